// The time of a call: who is given up for whom before it is over, and calls that are aborted.

import { describe, expect, test, vi } from 'vitest'
import { attempt } from '../../runtime/overflow/loop.ts'
import { call } from './overflow-call.ts'
import { context, embedCall, now, scripted } from './scripted.ts'

describe('time', () => {
	test('nobody is asked after it, though the clock goes in steps as that of some browsers does', async () => {
		const exact = performance.now.bind(performance)
		const steps = vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(exact() / 16.667) * 16.667)
		try {
			for (let i = 0; i < 20; i++) {
				await vi.advanceTimersByTimeAsync(3)
				const { error, edge } = await call({ device: { after: 5000 }, edge: { estimate: { run: 3000 } } }, { remaining: 60 })
				expect(error).toMatchObject({ code: 'deadline-exceeded' })
				expect(edge.asked).toHaveLength(0)
			}
		} finally {
			steps.mockRestore()
		}
	})

	test('when the time left comes down to what the edge needs, the call goes there', async () => {
		const { ran, time, device } = await call({ device: { after: 5000 }, edge: { estimate: { run: 300 }, after: 250 } })
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
		// With an eighth of the time, 250 ms at most, beside what is expected.
		expect(time).toBeGreaterThanOrEqual(700 - 125 + 250 - 2)
		expect(time).toBeLessThanOrEqual(1000 - 125)
		expect(device.asked[0]?.signal.aborted).toBe(true)
	})

	test('and has some time there, though it is expected to need none', async () => {
		const { ran, time } = await call({ device: { after: 5000 }, edge: { estimate: { run: 0 }, after: 100 } })
		expect(ran).toMatchObject({ executor: 'edge' })
		expect(time).toBeLessThan(1000)
	})

	test('who is overdue is given up for one nearer to the user that can answer by now, but not for one farther away', async () => {
		let loaded = false
		setTimeout(() => {
			loaded = true
		}, 400)
		const { ran, time } = await call(
			{
				device: { after: 20, estimate: () => (loaded ? { ...now, run: 20 } : { can: 'loading', reason: 'loading', queue: 0, run: 0 }) },
				edge: { estimate: { run: 500 }, after: 25_000 },
			},
			{ remaining: 30_000 },
		)
		expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		expect(time).toBeLessThan(2100)

		const slow = await call({ device: { estimate: { run: 10 }, after: 4000 }, edge: { estimate: { run: 10 } } }, { remaining: 30_000 })
		expect(slow.ran).toMatchObject({ executor: 'device', overflow: [] })
	})

	test('also where timers are late and another clock is at hand', async () => {
		const device = scripted({ name: 'device', after: 5000 })
		const edge = scripted({ name: 'edge', estimate: { run: 300 }, after: 250 })
		const woken: number[] = []
		const answered = attempt([{ executor: device }, { executor: edge }], undefined, embedCall, context(), {
			sleep(milliseconds, wake) {
				woken.push(milliseconds)
				const timer = setTimeout(wake, milliseconds)
				return () => clearTimeout(timer)
			},
		})
		await vi.advanceTimersByTimeAsync(1000)
		expect((await answered).ran.executor).toBe('edge')
		expect(woken.length).toBeGreaterThan(2)
	})

	test('not when the edge would not be in time either', async () => {
		const { ran, edge } = await call({ device: { after: 900 }, edge: { estimate: { run: 3000 } } })
		expect(ran?.executor).toBe('device')
		expect(edge.asked).toHaveLength(0)
	})

	test('not when the edge has become unhealthy meanwhile', async () => {
		let healthy = true
		setTimeout(() => {
			healthy = false
		}, 100)
		const { ran } = await call({
			device: { after: 900 },
			edge: { estimate: () => (healthy ? { ...now, run: 300 } : { can: 'no', reason: 'unhealthy', queue: 0, run: 0 }) },
		})
		expect(ran?.executor).toBe('device')
	})

	test('nobody gets more time than there is', async () => {
		const { error, time, device, edge } = await call({
			device: { fails: 'network', after: 400 },
			edge: { after: Number.POSITIVE_INFINITY },
		})
		expect(error?.code).toBe('deadline-exceeded')
		expect(time).toBe(1000)
		expect(device.asked[0]?.remaining).toBe(1000)
		expect(edge.asked[0]?.remaining).toBe(600)
	})

	test('an executor that heeds no signal is not waited for', async () => {
		const { error, time } = await call({
			device: { after: Number.POSITIVE_INFINITY, heeds: false },
			edge: { after: Number.POSITIVE_INFINITY, heeds: false },
		})
		expect(error?.code).toBe('deadline-exceeded')
		expect(time).toBe(1000)
	})

	test('no time at all', async () => {
		const { error, device } = await call({ device: {}, edge: {} }, { remaining: 0 })
		expect(error?.code).toBe('deadline-exceeded')
		expect(device.asked).toHaveLength(0)
	})
})

describe('abort', () => {
	test('settles at once, stops the attempt, and nobody else is asked', async () => {
		const controller = new AbortController()
		setTimeout(() => controller.abort('why not'), 100)
		const { error, time, device, edge } = await call({ device: { after: 500 }, edge: {} }, { signal: controller.signal })
		expect(error).toMatchObject({ code: 'aborted', cause: 'why not' })
		expect(time).toBe(100)
		expect(device.asked[0]?.signal.aborted).toBe(true)
		expect(edge.asked).toHaveLength(0)
	})

	test('before the call: nobody is asked', async () => {
		const { error, device } = await call({ device: {}, edge: {} }, { signal: AbortSignal.abort() })
		expect(error?.code).toBe('aborted')
		expect(device.asked).toHaveLength(0)
	})

	test("an executor's own abort is a failure as others are", async () => {
		const { ran } = await call({ device: { fails: 'aborted' }, edge: {} })
		expect(ran?.executor).toBe('edge')
	})
})
