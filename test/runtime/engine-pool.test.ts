// The engine's pool of session workers: order, time, death, replacement.

import { afterEach, expect, test } from 'vitest'
import type { Answer, TensorsCall, TensorsOutput } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { createPool, type Pool, type PoolOptions } from '../../runtime/device/pool.ts'
import { call, grown, makePool, type Script, type Started, settled, sleep, slow, stuck, until, works } from './engine-pool-members.ts'
import { context } from './tiny-sessions.ts'

let session: Executor
let pool: Pool
let started: Started[]

/** @param scripts what the workers do instead of running their session, one after another; the last goes on. */
async function poolOf(most: number, scripts: readonly Script[] = [], options: Partial<PoolOptions> = {}): Promise<void> {
	const made = await makePool(most, scripts, options)
	pool = made.pool
	started = made.started
	session = made.members.session
}

afterEach(async () => {
	await pool?.dispose()
	await session?.dispose()
})

test('answers, and says how long a call waited', async () => {
	await poolOf(1, [slow(30)])
	const [first, second] = (await Promise.all([pool.infer(call(), context()), pool.infer(call(5), context())])) as [Answer, Answer]
	expect((first.output as TensorsOutput).tensors.count?.data[0]).toBe(3)
	expect(second.ran.queue).toBeGreaterThan(25)
	expect(second.ran.queue).toBeGreaterThan(first.ran.queue as number)
})

test('each worker computes one call at a time, and both have something to do', async () => {
	await poolOf(2, [slow(5)])
	const calls = Array.from({ length: 40 }, () => pool.infer(call(), context()))
	await grown(pool, 2)
	expect(await settled(calls)).toEqual(new Array(40).fill('answered'))
	const [first, second] = started.map(({ calls }) => calls.length) as [number, number]
	expect(first + second).toBe(40)
	expect(Math.abs(first - second)).toBeLessThan(15)
})

test('a worker that dies is replaced: its call is run again once, those that wait are answered', async () => {
	await poolOf(1, [stuck, works])
	const calls = Array.from({ length: 10 }, () => pool.infer(call(), context()))
	await until(() => started[0]?.calls.length === 1)
	started[0]?.kill()
	expect(pool.estimate(call())).toMatchObject({ can: 'loading', reason: 'unhealthy' })
	expect(await settled(calls)).toEqual(new Array(10).fill('answered'))
	expect(started).toHaveLength(2)
	expect(pool.estimate(call()).can).toBe('now')
})

test('a call whose worker dies twice is lost; the others are not', async () => {
	const dies: Script = (inner) => async (call, context) => {
		if ((call as TensorsCall).tensors.ids?.data[1] !== 5n) return inner(call, context)
		setTimeout(() => started.at(-1)?.kill())
		return new Promise(() => {})
	}
	await poolOf(1, [dies])
	const results = settled([pool.infer(call(5), context()), ...Array.from({ length: 5 }, () => pool.infer(call(4), context()))])
	expect(await results).toEqual(['worker-lost', 'answered', 'answered', 'answered', 'answered', 'answered'])
	expect(started).toHaveLength(3)
})

test('a worker that does not come back: its call settles at its deadline, then it is replaced, and those that wait are answered', async () => {
	await poolOf(1, [stuck, works], { grace: 50 })
	const late = pool.infer(call(), context({ remaining: 30 }))
	const waiting = Array.from({ length: 3 }, () => pool.infer(call(), context()))
	await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' })
	expect(await settled(waiting)).toEqual(['answered', 'answered', 'answered'])
	expect(started).toHaveLength(2)
	// The one that was late is not run again.
	expect(started[1]?.calls).toHaveLength(3)
})

test('a worker that comes back within the grace is kept', async () => {
	await poolOf(1, [slow(60)], { grace: 5_000 })
	await expect(pool.infer(call(), context({ remaining: 10 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
	await pool.infer(call(), context())
	expect(started).toHaveLength(1)
})

test('aborted calls that wait never reach a worker', async () => {
	await poolOf(1, [slow(30)])
	const controller = new AbortController()
	const calls = Array.from({ length: 6 }, (_, index) =>
		pool.infer(call(), context(index === 1 || index === 4 ? { signal: controller.signal } : {})),
	)
	controller.abort()
	expect(await settled(calls)).toEqual(['answered', 'aborted', 'answered', 'answered', 'aborted', 'answered'])
	expect(started[0]?.calls).toHaveLength(4)
})

test('an error of the session is the call’s, and the worker stays', async () => {
	await poolOf(1)
	await expect(pool.infer({ ...call(), tensors: {} }, context())).rejects.toMatchObject({ code: 'invalid-input' })
	await pool.infer(call(), context())
	expect(started).toHaveLength(1)
})

test('workers that die again and again: the pool gives up and says so', async () => {
	const failures: SpillwayError[] = []
	await poolOf(1, [], { onFailed: (error) => failures.push(error) })
	for (let deaths = 1; deaths <= 4; deaths++) {
		await until(() => started.length === deaths)
		started.at(-1)?.kill()
	}
	expect(failures).toMatchObject([{ code: 'worker-lost', message: '4 session workers ended within a minute' }])
	await expect(pool.infer(call(), context())).rejects.toMatchObject({ code: 'worker-lost' })
	expect(pool.estimate(call())).toMatchObject({ can: 'no', reason: 'unhealthy' })
})

test('a worker that cannot be replaced: what waits is rejected with the reason', async () => {
	const failures: SpillwayError[] = []
	const refuse = () => {
		throw new SpillwayError('not-found', 'chunk 3 of weights.bin is not in storage any more')
	}
	await poolOf(1, [stuck, refuse], { onFailed: (error) => failures.push(error) })
	const calls = Array.from({ length: 3 }, () => pool.infer(call(), context()))
	await until(() => started[0]?.calls.length === 1)
	started[0]?.kill()
	expect(await settled(calls)).toEqual(['not-found', 'not-found', 'not-found'])
	expect(failures).toMatchObject([{ code: 'not-found' }])
})

test('a first worker that cannot be started is the pool’s error', async () => {
	const made = createPool({
		name: 'device',
		most: 2,
		work: () => 1,
		start: () => Promise.reject(new SpillwayError('golden-mismatch', 'wrong here')),
	})
	await expect(made).rejects.toMatchObject({ code: 'golden-mismatch' })
})

test('disposing settles everything at once and ends the workers', async () => {
	await poolOf(2, [stuck])
	const calls = Array.from({ length: 5 }, () => pool.infer(call(), context()))
	await grown(pool, 2)
	await until(() => started.every(({ calls }) => calls.length === 1))
	await pool.dispose()
	expect(await settled(calls)).toEqual(new Array(5).fill('disposed'))
	expect(started.every(({ member }) => member.over.aborted)).toBe(true)
	await expect(pool.infer(call(), context())).rejects.toMatchObject({ code: 'disposed' })
	await pool.dispose()
})

test('estimates: the queue grows with the calls and shrinks as they are answered', async () => {
	const changes: number[] = []
	await poolOf(1, [slow(20)], { onChange: () => pool && changes.push(pool.estimate(call()).queue) })
	expect(pool.estimate(call())).toEqual({ can: 'now', queue: 0, run: 0 })
	await Promise.all(Array.from({ length: 3 }, () => pool.infer(call(), context())))
	expect(pool.estimate(call()).run).toBeGreaterThan(0)
	const calls = Array.from({ length: 10 }, () => pool.infer(call(), context()))
	await sleep(0)
	const full = pool.estimate(call()).queue
	expect(full).toBeGreaterThan(pool.estimate(call()).run)
	await Promise.all(calls)
	expect(pool.estimate(call()).queue).toBeLessThan(full)
	expect(changes.length).toBeGreaterThan(10)
})
