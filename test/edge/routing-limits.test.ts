// What bounds the work of an edge and of its upstreams: limits that adapt, turns, refusals before anything is queued, health.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { adaptiveLimit } from '../../edge/upstreams/routing/adaptive-limit.ts'
import { health } from '../../edge/upstreams/routing/health.ts'
import { limited } from '../../edge/upstreams/routing/limited.ts'
import { type Slot, upstreamLoad } from '../../edge/upstreams/routing/load.ts'
import { shedding } from '../../edge/upstreams/routing/shedding.ts'
import { watched } from '../../edge/upstreams/routing/watched.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import type { Priority } from '../../runtime/core/executor.ts'
import { context, embedCall, scripted } from '../runtime/scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

describe('the limit of an upstream', () => {
	/** Calls, as many at a time as the limit allows, to a server that does `able` at a time in `milliseconds` each. */
	function run(limit: ReturnType<typeof adaptiveLimit>, able: number, milliseconds: number, rounds: number) {
		for (let round = 0; round < rounds; round++) {
			const atATime = limit.now
			const time = milliseconds * Math.max(1, atATime / able)
			vi.advanceTimersByTime(time)
			for (let i = 1; i <= atATime; i++) limit.answered('m', time, atATime)
		}
	}

	test('grows while the upstream is as fast as usual', () => {
		const limit = adaptiveLimit()
		run(limit, 1_000, 20, 200)
		expect(limit.now).toBeGreaterThan(200)
	})

	test('stays near what the upstream can do', () => {
		const limit = adaptiveLimit({ first: 4 })
		run(limit, 20, 20, 400)
		expect(limit.now).toBeGreaterThanOrEqual(20)
		expect(limit.now).toBeLessThan(20 * 5)
	})

	test('shrinks when the upstream says that it is too much, and never below one', () => {
		const limit = adaptiveLimit({ first: 16 })
		limit.overloaded()
		expect(limit.now).toBe(11)
		// What was sent before that says the same once more.
		limit.overloaded()
		expect(limit.now).toBe(11)
		for (let i = 0; i < 50; i++) {
			vi.advanceTimersByTime(100)
			limit.overloaded()
		}
		expect(limit.now).toBe(1)
		run(limit, 1_000, 20, 200)
		expect(limit.now).toBeGreaterThan(10)
	})

	test('is never above the capacity that is declared', () => {
		const limit = adaptiveLimit({ most: 5 })
		run(limit, 1_000, 20, 100)
		expect(limit.now).toBe(5)
	})

	test('does not grow where it is not made use of', () => {
		const limit = adaptiveLimit()
		for (let i = 0; i < 500; i++) {
			vi.advanceTimersByTime(10)
			limit.answered('m', 10, 2)
		}
		expect(limit.now).toBe(16)
	})
})

describe.each([true, false])('turns, where calls may wake one another: %s', (across) => {
	const load = (more: { mostWaiting?: number } = {}) => upstreamLoad({ name: 'gpu', capacity: 1, across, ...more })

	/** A call that waits for its turn, and is told in `order`. */
	const waits = (turns: ReturnType<typeof load>, priority: Priority, order: string[], more = {}) =>
		turns.queue({ ...context({ remaining: 10_000 }), priority, ...more }).then(
			(slot) => {
				order.push(priority)
				setTimeout(() => slot.answered(embedCall), 10)
			},
			(error: SpillwayError) => void order.push(error.code),
		)

	test('go to high priority first, then in order', async () => {
		const turns = load()
		const first = turns.take(1_000) as Slot
		expect(turns.take(1_000)).toBeUndefined()
		const order: string[] = []
		for (const priority of ['low', 'normal', 'high'] as const) {
			waits(turns, priority, order)
			await vi.advanceTimersByTimeAsync(1)
		}
		expect(turns.waiting).toBe(3)
		first.answered(embedCall)
		await vi.advanceTimersByTimeAsync(1_000)
		expect(order).toEqual(['high', 'normal', 'low'])
		expect([turns.inFlight, turns.waiting]).toEqual([0, 0])
	})

	test('are waited for no longer than the call has time, or its caller', async () => {
		const turns = load()
		turns.take(60_000)
		const order: string[] = []
		const leaving = new AbortController()
		waits(turns, 'normal', order, { remaining: 100 })
		waits(turns, 'normal', order, { signal: leaving.signal })
		leaving.abort()
		await vi.advanceTimersByTimeAsync(200)
		expect(order).toEqual(['aborted', 'deadline-exceeded'])
		expect(turns.waiting).toBe(0)
	})

	test('are not lost with a caller that leaves in the moment in which its turn comes', async () => {
		const turns = load()
		const first = turns.take(10_000) as Slot
		const order: string[] = []
		const leaving = new AbortController()
		waits(turns, 'high', order, { signal: leaving.signal })
		waits(turns, 'normal', order)
		first.over()
		leaving.abort()
		await vi.advanceTimersByTimeAsync(100)
		expect(order).toEqual(['aborted', 'normal'])
		expect(turns.inFlight).toBe(0)
	})

	test('are refused at once when too many wait, with the time to come back', async () => {
		const turns = load({ mostWaiting: 1 })
		const slot = turns.take(1_000) as Slot
		await vi.advanceTimersByTimeAsync(50)
		slot.answered(embedCall)
		turns.take(1_000)
		const order: string[] = []
		waits(turns, 'normal', order)
		await vi.advanceTimersByTimeAsync(1)
		expect(turns.full).toMatchObject({ code: 'unavailable', retryAfter: 100 })
		await expect(turns.queue(context())).rejects.toMatchObject({ code: 'unavailable' })
	})

	test('do not all go to calls that hang', async () => {
		const load = upstreamLoad({ name: 'gpu-a', across })
		for (let i = 0; i < 50; i++) {
			vi.advanceTimersByTime(100)
			load.take(1_000)?.overloaded(embedCall)
		}
		expect(load.limit).toBe(1)
		load.take(300_000)
		expect(load.take(300_000)).toBeUndefined()
		const turn = load.queue(context({ remaining: 30_000 }))
		await vi.advanceTimersByTimeAsync(60_000)
		await expect(turn).resolves.toBeDefined()
		await vi.advanceTimersByTimeAsync(60_000)
		for (let i = 0; i < 100; i++) load.take(300_000)
		expect(load.inFlight).toBeLessThanOrEqual(16)
	})

	test('come back from calls that ended without a word', async () => {
		const turns = load()
		turns.take(500)
		expect(turns.take(500)).toBeUndefined()
		await vi.advanceTimersByTimeAsync(1_600)
		expect(turns.take(500)).toBeDefined()
	})
})

test('an upstream is given no more than its limit, and its estimate says how long others wait', async () => {
	const inner = scripted({ name: 'gpu', after: 100 })
	const executor = limited(upstreamLoad({ name: 'gpu', capacity: 2, across: true }))(inner)
	const first = executor.infer(embedCall, context())
	await vi.advanceTimersByTimeAsync(100)
	await first
	expect(executor.estimate(embedCall)).toMatchObject({ can: 'now', queue: 0, run: 100 })
	const calls = Array.from({ length: 5 }, () => executor.infer(embedCall, context({ remaining: 5_000 })))
	await vi.advanceTimersByTimeAsync(0)
	expect(inner.running.size).toBe(2)
	expect(executor.estimate(embedCall)).toMatchObject({ can: 'now', queue: 200, run: 100 })
	await vi.advanceTimersByTimeAsync(1_000)
	const queues = (await Promise.all(calls)).map(({ ran }) => ran.queue)
	expect(queues).toEqual([null, null, 100, 100, 200])
})

describe('shedding', () => {
	const guarded = (queue: number, more: Partial<Parameters<typeof shedding>[0]> = {}) => {
		const inner = scripted({ name: 'edge', after: 1_000, estimate: { queue, run: 100 } })
		return { inner, executor: shedding({ callsPerModel: 100, longestWait: 4_000, ...more })(inner) }
	}
	const underWay = (executor: ReturnType<typeof guarded>['executor'], calls: number) => {
		for (let i = 0; i < calls; i++) executor.infer(embedCall, context()).catch(() => {})
	}

	test('refuses what would wait too long, before it is queued, and says when that is over', async () => {
		const { inner, executor } = guarded(3_000)
		underWay(executor, 8)
		const ask = (priority?: Priority, remaining = 10_000) => executor.infer(embedCall, context({ priority, remaining }))
		await expect(ask()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1_000 })
		await expect(ask('low')).rejects.toMatchObject({ code: 'unavailable', retryAfter: 2_000 })
		// Half of the time that is left beside its run: nobody knows exactly.
		await expect(ask('high', 2_000)).rejects.toMatchObject({ code: 'unavailable', retryAfter: 2_050 })
		expect(inner.asked).toHaveLength(8)
		ask('high').catch(() => {})
		expect(inner.asked).toHaveLength(9)
	})

	test('lets no more calls be under way than it may', async () => {
		const { inner, executor } = guarded(0, { callsPerModel: 10 })
		underWay(executor, 10)
		await expect(executor.infer(embedCall, context())).rejects.toMatchObject({ code: 'unavailable', retryAfter: expect.any(Number) })
		await vi.advanceTimersByTimeAsync(1_000)
		executor.infer(embedCall, context()).catch(() => {})
		expect(inner.asked).toHaveLength(11)
	})

	test('leaves alone what is little', async () => {
		const { inner, executor } = guarded(60_000)
		underWay(executor, 8)
		expect(inner.asked).toHaveLength(8)
	})
})

describe('health', () => {
	function asked(isUp: { now: boolean }) {
		let questions = 0
		let backs = 0
		const made = health(
			async () => {
				questions++
				return isUp.now
			},
			() => backs++,
		)
		return { made, questions: () => questions, backs: () => backs }
	}

	test('is asked for while no call tells; down after two questions in vain, up after one', async () => {
		const isUp = { now: false }
		const { made, questions, backs } = asked(isUp)
		const executor = watched(made)(scripted({ name: 'gpu' }))
		made.check()
		expect(questions()).toBe(0)
		for (const down of [false, true]) {
			await vi.advanceTimersByTimeAsync(5_000)
			made.check()
			await vi.advanceTimersByTimeAsync(0)
			expect(made.down).toBe(down)
		}
		expect(executor.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unhealthy' })
		isUp.now = true
		await vi.advanceTimersByTimeAsync(1_300)
		made.check()
		await vi.advanceTimersByTimeAsync(0)
		expect(made.down).toBe(false)
		expect(backs()).toBe(1)
		expect(executor.estimate(embedCall)).toMatchObject({ can: 'now' })
	})

	test('is not asked for while calls are answered; an answer says that it is up', async () => {
		const { made, questions } = asked({ now: false })
		const executor = watched(made)(scripted({ name: 'gpu' }))
		const answered = async () => {
			const answer = executor.infer(embedCall, context())
			await vi.advanceTimersByTimeAsync(0)
			await answer
		}
		for (let i = 0; i < 20; i++) {
			await vi.advanceTimersByTimeAsync(1_000)
			await answered()
			made.check()
		}
		expect(questions()).toBe(0)
		for (let i = 0; i < 2; i++) {
			await vi.advanceTimersByTimeAsync(5_000)
			made.check()
			await vi.advanceTimersByTimeAsync(0)
		}
		expect(made.down).toBe(true)
		await answered()
		expect(made.down).toBe(false)
	})
})
