// Workers of the engine's pool that cannot be had, die, hang, or are ended.

import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { call, grown, type Script, sleep, slow, stuck, until, works } from './engine-pool-members.ts'
import { answered, ask, busy, members, pool, poolOf } from './engine-pool-scene.ts'

describe('a second worker that cannot be started', () => {
	const refused = new SpillwayError('out-of-memory', 'no room for another')
	const refuse = () => {
		members.before = () => {
			throw refused
		}
	}

	test('is noted, and not tried again for a while; calls go on', async () => {
		const failures: SpillwayError[] = []
		await poolOf(2, [slow(5)], { onFailed: (error) => failures.push(error) })
		refuse()
		const calls = ask(20)
		await busy()
		pool.want(1e9)
		await until(() => pool.trouble !== undefined)
		expect(pool.trouble).toBe(refused)
		pool.want(1e9)
		expect(pool).toMatchObject({ width: 1, workers: 1 })
		expect(await calls).toEqual(answered(20))
		expect(failures).toEqual([])
		expect(pool.estimate(call()).can).toBe('now')
	})

	test('nor does one fail the pool that was to replace another', async () => {
		await poolOf(2, [stuck, works])
		const calls = ask(5)
		await grown(pool, 2)
		refuse()
		members.started[0]?.kill()
		expect(await calls).toEqual(answered(5))
		expect(pool).toMatchObject({ width: 1, workers: 1, trouble: refused })
	})
})

describe('losses', () => {
	test('a call whose worker dies is run again by another that is there', async () => {
		await poolOf(2, [stuck, works])
		const calls = ask(4, { retries: { left: 0 } })
		await grown(pool, 2)
		members.started[0]?.kill()
		expect(await calls).toEqual(answered(4))
	})

	test('a worker that had nothing to do is not replaced while another is there', async () => {
		await poolOf(2, [slow(5)])
		const calls = ask(6)
		await grown(pool, 2)
		await calls
		members.started[1]?.kill()
		expect(pool).toMatchObject({ width: 1, workers: 1 })
	})

	test('too many: those that live go on, and the pool says why there are no more', async () => {
		const failures: SpillwayError[] = []
		await poolOf(2, [slow(5)], { onFailed: (error) => failures.push(error) })
		const calls = ask(400)
		for (let losses = 1; losses <= 4; losses++) {
			await grown(pool, 2)
			// Its first call may be one that was run again already.
			await until(() => (members.living[1]?.calls.length ?? 0) > 1)
			members.living[1]?.kill()
		}
		expect(await calls).toEqual(answered(400))
		expect(pool).toMatchObject({ width: 1, trouble: { code: 'worker-lost' } })
		expect(failures).toEqual([])
		members.living[0]?.kill()
		expect(failures).toMatchObject([{ code: 'worker-lost' }])
	})

	test('a run that hangs long after it was expected is run again elsewhere, before its deadline', async () => {
		const hangsOnce: Script = (inner) => {
			let calls = 0
			return (call, context) => (++calls === 3 ? new Promise(() => {}) : inner(call, context))
		}
		await poolOf(1, [hangsOnce, works], { grace: 100 })
		expect(await ask(5, { remaining: 20_000 })).toEqual(answered(5))
		expect(members.loads).toEqual([3, 3])
	})
})

describe('disposed', () => {
	test('while a second worker starts: that one is ended when it comes, and whoever starts it is told', async () => {
		await poolOf(2, [stuck])
		let told: AbortSignal | undefined
		let go = () => {}
		members.before = (signal) => {
			told = signal
			return new Promise((resolve) => {
				go = resolve
			})
		}
		const calls = ask(3)
		await busy()
		pool.want(1e9)
		await until(() => told !== undefined)
		await pool.dispose()
		expect(told?.aborted).toBe(true)
		expect(await calls).toEqual(['disposed', 'disposed', 'disposed'])
		go()
		await until(() => members.started.length === 2)
		await sleep(0)
		expect(members.living).toEqual([])
		expect(pool).toMatchObject({ workers: 0, memory: 0 })
	})

	test('leaves neither timers nor listeners', async () => {
		const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
		const before = timers()
		await poolOf(3, [slow(20)])
		const { signal } = new AbortController()
		const calls = ask(12, { signal })
		await grown(pool, 3)
		await calls
		expect(timers()).toBeGreaterThan(before)
		await pool.dispose()
		expect(timers()).toBeLessThanOrEqual(before)
		expect(getEventListeners(signal, 'abort')).toEqual([])
		for (const { member } of members.started) expect(getEventListeners(member.over, 'abort')).toEqual([])
	})
})
