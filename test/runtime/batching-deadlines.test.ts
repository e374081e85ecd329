// Dynamic batching: who cannot be in time, how long a call is expected to take, and what a run is given of its callers.

import { describe, expect, test } from 'vitest'
import { type Batching, batching } from '../../runtime/batch/batching.ts'
import type { TensorsCall } from '../../runtime/core/call.ts'
import type { Member } from '../../runtime/device/member.ts'
import { createPool } from '../../runtime/device/pool.ts'
import { batchingOver, callOf, check, codes, echoing, idle, innerOf, text, together, until } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('deadlines', () => {
	/** Batching to which runs have happened that took 10 ms for each token. */
	async function measured(more = {}) {
		const made = batchingOver({ told: (rows) => 20 + 10 * rows.flat().length }, more)
		for (const length of [2, 10, 5]) await made.batched.infer(callOf(text(length, length)), context())
		return made
	}

	test('a call that cannot be in time leaves at once', async () => {
		const { inner, batched } = await measured()
		const open = inner.close()
		const first = batched.infer(callOf(text(2, 50)), context())
		await idle()
		const started = performance.now()
		await expect(batched.infer(callOf(text(100, 51)), context({ remaining: 500 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		expect(performance.now() - started).toBeLessThan(400)
		// It may be shorter than anything that was measured.
		const short = batched.infer(callOf(text(2, 52)), context({ remaining: 500 }))
		open()
		check(callOf(text(2, 50)), await first)
		check(callOf(text(2, 52)), await short)
	})

	test('just after a run that was slow, as the first ones are, nobody is given up for it', async () => {
		let runs = 0
		let took = 0
		const { batched } = batchingOver({ time: () => (took = runs++ === 0 ? 200 : 1), told: () => took })
		await batched.infer(callOf(text(8, 0)), context())
		const calls = Array.from({ length: 20 }, (_, id) => callOf(text(8, id + 1)))
		const answers = await Promise.all(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))
		for (const [index, answer] of answers.entries()) check(calls[index] as TensorsCall, answer)
	})

	test('lone runs do not tell how fast a batch may be', async () => {
		// As on a GPU, where a batch takes no longer than a row.
		const { batched } = batchingOver({ told: () => 50 })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(5 + id, id)), context())
		const calls = Array.from({ length: 40 }, (_, id) => callOf(text(8, id + 10)))
		expect(await codes(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))).toEqual(calls.map(() => 'answered'))
	})

	test('where there is no batch they do', async () => {
		const { inner, batched } = batchingOver({ told: () => 50 }, { maxBatch: 1 })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(8, id)), context())
		const open = inner.close()
		const settled = codes(Array.from({ length: 40 }, (_, id) => batched.infer(callOf(text(8, id + 10)), context({ remaining: 1000 }))))
		await idle()
		// Calls and rows.
		expect(batched.pending()).toBeLessThan(70)
		open()
		expect(new Set(await settled)).toEqual(new Set(['answered', 'deadline-exceeded']))
	})

	test('nobody is given up whom more runs at a time may help', async () => {
		const grown = { width: () => 1, mostWidth: () => 8 }
		const { batched } = batchingOver({ told: () => 50 }, { maxBatch: 1, ...grown })
		for (let id = 0; id < 4; id++) await batched.infer(callOf(text(8, id)), context())
		const calls = Array.from({ length: 40 }, (_, id) => callOf(text(8, id + 10)))
		expect(await codes(calls.map((call) => batched.infer(call, context({ remaining: 1000 }))))).toEqual(calls.map(() => 'answered'))
	})

	test('the run gets the time of the one who has most', async () => {
		const made = batchingOver()
		const { inner, batched } = made
		await together(made, () => [1000, 5000, 3000].map((remaining, id) => batched.infer(callOf([id]), context({ remaining }))))
		expect(inner.runs[0]?.context.remaining).toBeGreaterThan(4000)
		expect(inner.runs[0]?.context.remaining).toBeLessThanOrEqual(5000)
	})

	test('estimates: what waits, and how long a call of its size takes', async () => {
		const { inner, batched } = await measured()
		expect(batched.estimate(callOf(text(10, 60)))).toMatchObject({ can: 'now', queue: 0 })
		expect(batched.estimate(callOf(text(10, 60))).run).toBeCloseTo(120, 0)
		const open = inner.close()
		const calls = [1, 2, 3, 4].map((id) => batched.infer(callOf(text(10, id + 60)), context()))
		await idle()
		expect(batched.estimate(callOf(text(10, 70))).queue).toBeGreaterThan(100)
		expect(batched.batchPace()).toMatchObject({ width: 1 })
		open()
		await Promise.all(calls)
		expect(batched.estimate(callOf(text(10, 60))).queue).toBe(0)
	})
})

describe('the context of a run', () => {
	test('where no call has the time that a run takes, runs that are given up tell how long it is', async () => {
		const member: Member = {
			memory: 0,
			lay: () => {},
			over: new AbortController().signal,
			end: () => {},
			// It cannot be interrupted.
			ask: (call, asked) => innerOf({ time: () => 60 }).infer(call, context({ trace: asked.trace })),
		}
		let batched: Batching | undefined
		const pool = await createPool({
			name: 'device',
			most: 1,
			work: () => 1,
			start: async () => member,
			onUnheard: (call, ran) => batched?.learn(call as TensorsCall, ran),
		})
		batched = batching({ manifest: echoing, width: () => pool.width })(pool)
		const given = batched.infer(callOf(text(6, 1), text(6, 2)), context({ remaining: 20 }))
		expect(await codes([given])).toEqual(['deadline-exceeded'])
		expect(batched.batchPace()).toBeNull()
		await until(() => batched?.batchPace() !== null)
		expect(batched.batchPace()?.perUnit).toBeCloseTo(5)
		await batched.dispose()
	})

	test('as many hops, retries and as much urgency as the call that has most', async () => {
		const made = batchingOver()
		const { inner, batched } = made
		const budgets = [{ left: 1 }, { left: 3 }, { left: 0 }]
		const infer = inner.infer.bind(inner)
		let given = -1
		inner.infer = (call, more) => {
			given = more.retries.left
			more.retries.left -= 2
			return infer(call, more)
		}
		await together(made, () =>
			budgets.map((retries, id) => batched.infer(callOf([id]), context({ retries, hops: id, priority: id === 1 ? 'high' : 'low' }))),
		)
		expect(given).toBe(3)
		// What was spent was spent for each of them.
		expect(budgets.map(({ left }) => left)).toEqual([0, 1, 0])
		expect(inner.runs[0]?.context).toMatchObject({ hops: 2, priority: 'high' })
	})
})
