// How many workers the engine's pool has: more when that pays, fewer when there is nothing to do, and what happens when one cannot be had.

import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { Growth } from '../../runtime/device/growth.ts'
import type { Pool, PoolOptions } from '../../runtime/device/pool.ts'
import {
	call,
	grown,
	type Members,
	makePool,
	memory,
	type Script,
	settled,
	sleep,
	slow,
	stuck,
	until,
	works,
} from './engine-pool-members.ts'
import { context } from './tiny-sessions.ts'

let pool: Pool
let members: Members
let session: Executor

async function poolOf(most: number, scripts: readonly Script[] = [], options: Partial<PoolOptions> = {}): Promise<void> {
	const made = await makePool(most, scripts, options)
	pool = made.pool
	members = made.members
	session = members.session
}

afterEach(async () => {
	await pool?.dispose()
	await session?.dispose()
})

/** How so many calls at once end. */
const ask = (count: number, more = {}) => settled(Array.from({ length: count }, () => pool.infer(call(), context(more))))
const answered = (count: number) => new Array(count).fill('answered')
const busy = () => until(() => members.living.every(({ calls }) => calls.length > 0))

describe('another worker', () => {
	test('is not there beforehand, nor started for a little work', async () => {
		await poolOf(4, [slow(5)])
		expect(pool).toMatchObject({ width: 1, workers: 1, memory })
		await ask(10)
		pool.want(1e9)
		expect(pool.workers, 'the one that is there has nothing to do').toBe(1)
	})

	test('is started when what waits takes longer than a start', async () => {
		await poolOf(4, [slow(30)])
		const calls = ask(20)
		await busy()
		pool.want(10)
		expect(pool.workers).toBe(1)
		pool.want(5000)
		expect(pool).toMatchObject({ width: 1, workers: 2 })
		await until(() => pool.width === 2)
		expect(pool.memory).toBe(2 * memory)
		expect(await calls).toEqual(answered(20))
		expect(members.loads[1]).toBeGreaterThan(3)
	})

	test('is started by the pool’s own queue, too', async () => {
		await poolOf(2, [slow(40)])
		await ask(2)
		// Once the pace is known, a hundred of them are four seconds.
		const calls = ask(100)
		await until(() => pool.width === 2)
		await pool.dispose()
		await calls
	})

	test('never beyond the most', async () => {
		await poolOf(3, [stuck])
		const calls = ask(10)
		await grown(pool, 3)
		pool.want(1e9)
		pool.want(1e9)
		expect(pool.workers).toBe(3)
		await pool.dispose()
		expect(await calls).toEqual(new Array(10).fill('disposed'))
	})

	test('is told of by onChange when it is there', async () => {
		const widths: number[] = []
		await poolOf(2, [slow(10)], { onChange: () => pool && widths.push(pool.width) })
		const calls = ask(10)
		await grown(pool, 2)
		expect(widths).toContain(2)
		await calls
	})
})

describe('a worker that has nothing to do', () => {
	test('is ended after a while, but never the last one', async () => {
		await poolOf(3, [slow(20)], { idle: 60 })
		const calls = ask(12)
		await grown(pool, 3)
		await calls
		expect(pool.width).toBe(3)
		await until(() => pool.width === 1)
		expect(members.living).toHaveLength(1)
		await sleep(150)
		expect(pool).toMatchObject({ width: 1, workers: 1, memory })
		expect(await ask(3)).toEqual(['answered', 'answered', 'answered'])
	})

	test('is not one that is given work in time', async () => {
		await poolOf(2, [slow(10)], { idle: 200 })
		const calls = ask(8)
		await grown(pool, 2)
		await calls
		for (let turn = 0; turn < 8; turn++) {
			await ask(2)
			await sleep(40)
		}
		expect(pool.width).toBe(2)
	})

	test('stays when the others have died', async () => {
		await poolOf(2, [slow(10)], { idle: 60 })
		const calls = ask(8)
		await grown(pool, 2)
		await calls
		members.started[0]?.kill()
		await sleep(150)
		expect(members.living).toHaveLength(1)
		expect(pool.width).toBe(1)
	})
})

describe('fewer at most', () => {
	test('those at work finish first, and no call is lost', async () => {
		await poolOf(3, [slow(40)])
		const calls = ask(12)
		await grown(pool, 3)
		pool.setMost(1)
		expect(await calls).toEqual(answered(12))
		expect(pool.workers).toBe(1)
		expect(members.living).toHaveLength(1)
	})

	test('none is started beyond, and at least one stays', async () => {
		await poolOf(3, [slow(10)])
		pool.setMost(0)
		const calls = ask(3)
		await busy()
		pool.want(1e9)
		expect(pool.workers).toBe(1)
		pool.setMost(2)
		pool.want(1e9)
		expect(pool.workers).toBe(2)
		await calls
	})
})

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

describe('when another worker pays', () => {
	test('a small queue that never ends grows the pool a little later', async () => {
		const growth = new Growth()
		growth.started(10, false)
		growth.started(30, false)
		expect(growth.pays(15, 1, 0)).toBe(false)
		await sleep(30)
		expect(growth.pays(15, 1, 0)).toBe(true)
	})

	test('those on their way count', () => {
		const growth = new Growth()
		growth.started(100, false)
		expect(growth.pays(250, 1, 0)).toBe(true)
		expect(growth.pays(250, 1, 2)).toBe(false)
	})

	test('what was caught up with is forgotten', async () => {
		const growth = new Growth()
		growth.started(50, false)
		expect(growth.pays(0, 1, 0)).toBe(false)
		await sleep(60)
		growth.took(150)
		expect(growth.pays(0, 1, 0)).toBe(false)
	})
})
