// The circuit breaker: when it opens, whom it lets through, and when it closes again.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Call } from '../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import { type BreakerOptions, breaker } from '../../runtime/overflow/breaker.ts'
import { attempt, sleepHere } from '../../runtime/overflow/loop.ts'
import { context, embedCall, type Script, scripted } from './scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** An executor whose script can be changed, behind a breaker; pauses are not shortened at random. */
function guarded(script: Script = {}, options: BreakerOptions = {}) {
	let current = scripted(script)
	let asked = 0
	const inner = {
		...current,
		estimate: () => current.estimate(embedCall),
		infer: (...given: Parameters<typeof current.infer>) => {
			asked++
			return current.infer(...given)
		},
	}
	const guard = breaker({ random: () => 0, ...options })(inner)
	/** The call's error code, or `answered`. */
	const call = async (model = 'minilm', more: Parameters<typeof context>[0] = {}) => {
		const settled = guard.infer({ ...embedCall, model: { name: model } }, context(more)).then(
			() => 'answered',
			(error: SpillwayError) => error.code,
		)
		await vi.advanceTimersByTimeAsync(Number.isFinite(script.after) ? (script.after ?? 0) : 0)
		return settled
	}
	return {
		guard,
		call,
		become: (next: Script) => {
			current = scripted(next)
		},
		asked: () => asked,
		can: (asked: Call = embedCall) => guard.estimate(asked).can,
	}
}

const later = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

describe('opens', () => {
	test('after three failures in a row', async () => {
		const { call, can, guard } = guarded({ fails: 'network' })
		await call()
		await call()
		expect(can()).toBe('now')
		await call()
		expect(guard.estimate(embedCall)).toEqual({ can: 'no', reason: 'unhealthy', detail: 'failed just now: network', queue: 1000, run: 0 })
	})

	test('not when answers come in between; but then by their share', async () => {
		const { call, can, become } = guarded()
		for (let i = 0; i < 4; i++) {
			become({})
			await call()
			become({ fails: 'upstream' })
			await call()
		}
		expect(can()).toBe('now')
		become({})
		await call()
		become({ fails: 'upstream' })
		await call()
		expect(can()).toBe('no')
	})

	test('failures of long ago do not count by their share', async () => {
		const { call, can, become } = guarded()
		for (let i = 0; i < 20; i++) {
			become(i % 2 ? { fails: 'upstream' } : {})
			await call()
			await later(20_000)
		}
		expect(can()).toBe('now')
	})

	test('after one call that got no answer in three times the expected time', async () => {
		const { call, can } = guarded({ after: Number.POSITIVE_INFINITY, estimate: { run: 100 } })
		const controller = new AbortController()
		const failed = call('minilm', { remaining: 5000, signal: controller.signal })
		await later(2000)
		controller.abort(new SpillwayError('deadline-exceeded', 'given up for the next one'))
		expect(await failed).toBe('aborted')
		expect(can()).toBe('no')
	})

	test('then others are told so, and not that they had been aborted themselves', async () => {
		const { guard, call } = guarded({ after: Number.POSITIVE_INFINITY, estimate: { run: 100 } })
		const controller = new AbortController()
		const failed = call('minilm', { remaining: 5000, signal: controller.signal })
		await later(2000)
		controller.abort(new SpillwayError('deadline-exceeded', 'given up for the next one'))
		await failed
		expect(guard.estimate(embedCall).detail).toBe('failed just now: unavailable')
		void call()
		const refused = await guard.infer({ ...embedCall, model: { name: 'minilm' } }, context()).catch((error) => error)
		expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('did not answer in 2000 ms') })
	})

	test.each([
		['had little time', 300, { run: 50 }],
		['is expected to take long', 2000, { run: 1500 }],
	])('not after one that %s', async (_, waited, estimate) => {
		const { call, can } = guarded({ after: Number.POSITIVE_INFINITY, estimate })
		const controller = new AbortController()
		const failed = call('minilm', { signal: controller.signal })
		await later(waited)
		controller.abort(new SpillwayError('deadline-exceeded', 'given up'))
		await failed
		expect(can()).toBe('now')
	})

	test('nor when callers change their mind', async () => {
		const { call, can } = guarded({ after: Number.POSITIVE_INFINITY })
		for (let i = 0; i < 10; i++) {
			const controller = new AbortController()
			const failed = call('minilm', { signal: controller.signal })
			await later(5000)
			controller.abort('no more')
			await failed
		}
		expect(can()).toBe('now')
	})

	test.each(['invalid-input', 'not-found', 'unsupported', 'too-large'] as ErrorCode[])('never by %s: that is an answer', async (fails) => {
		const { call, can } = guarded({ fails })
		for (let i = 0; i < 30; i++) await call()
		expect(can()).toBe('now')
	})

	test('for one model, not for the others', async () => {
		const { call, can } = guarded({ fails: 'unavailable' })
		for (let i = 0; i < 3; i++) await call('broken')
		expect(can({ ...embedCall, model: { name: 'broken' } })).toBe('no')
		expect(can()).toBe('now')
	})
})

describe('the time that a server tells', () => {
	const limited = new SpillwayError('rate-limited', 'over the quota', { retryAfter: 60_000 })

	test('opens it at once, and is kept to by all', async () => {
		const { call, asked, guard } = guarded({ fails: limited })
		await call()
		expect(guard.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'queue', queue: 60_000 })
		await later(59_000)
		const error = await guard.infer(embedCall, context()).catch((thrown) => thrown)
		expect(error).toMatchObject({ code: 'rate-limited', retryAfter: 1000, cause: limited })
		expect(asked()).toBe(1)
		await later(1000)
		await call()
		expect(asked()).toBe(2)
	})

	test('is believed up to ten minutes', async () => {
		const { call, can } = guarded({ fails: new SpillwayError('unavailable', 'tomorrow', { retryAfter: 86_400_000 }) })
		await call()
		await later(600_001)
		expect(can()).toBe('now')
	})
})

describe('while it is not closed', () => {
	test('after the pause one call tries, and the others do not rush after it', async () => {
		const { call, become, asked, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		await later(1000)
		expect(can()).toBe('now')
		become({ after: 100 })
		const calls = Array.from({ length: 12 }, () => call())
		expect(can()).toBe('no')
		await later(100)
		const settled = await Promise.all(calls)
		expect(settled.filter((one) => one === 'answered')).toHaveLength(1)
		expect(asked()).toBe(4)
		expect(can()).toBe('now')
		expect(await Promise.all([call(), call()].map((one) => later(100).then(() => one)))).toEqual(['answered', 'answered'])
	})

	test('each probe that fails makes the pause twice as long, up to a limit', async () => {
		const { call, guard } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		const pauses: number[] = []
		for (let i = 0; i < 7; i++) {
			const { queue } = guard.estimate(embedCall)
			pauses.push(queue)
			await later(queue)
			await call()
		}
		expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
	})

	test('a random part of the pause is left out, so that not all pages come back at once', async () => {
		const { call, guard } = guarded({ fails: 'network' }, { random: () => 0.5 })
		for (let i = 0; i < 3; i++) await call()
		expect(guard.estimate(embedCall).queue).toBe(750)
	})

	test('many that fail at once are one failure of the circuit', async () => {
		const { guard } = guarded({ fails: 'network', after: 100 })
		const calls = Array.from({ length: 50 }, () => guard.infer(embedCall, context()).catch(() => {}))
		await later(100)
		await Promise.all(calls)
		expect(guard.estimate(embedCall).queue).toBe(1000)
	})

	test('who has nowhere else to go may try before the pause is over, one at a time', async () => {
		const { call, become, asked, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		become({})
		expect(await call()).toBe('answered')
		expect(asked()).toBe(4)
		expect(can()).toBe('now')
	})

	test('a probe that is aborted says nothing, and leaves its place to another', async () => {
		const { call, become, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		await later(1000)
		become({ after: Number.POSITIVE_INFINITY })
		const controller = new AbortController()
		const probe = call('minilm', { signal: controller.signal })
		expect(can()).toBe('no')
		controller.abort()
		await probe
		expect(can()).toBe('now')
	})

	test('of two that overlap, an answer counts however late, and who leaves opens no place for a third', async () => {
		const { call, become, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		await later(1000)
		become({ after: 5_200 })
		const leaving = new AbortController()
		const first = call('minilm', { signal: leaving.signal, remaining: 60_000 })
		await later(5_000)
		const second = call('minilm', { remaining: 60_000 })
		expect(can()).toBe('no')
		leaving.abort()
		await first
		expect(can()).toBe('no')
		await later(5_200)
		expect(await second).toBe('answered')
		expect(can()).toBe('now')
	})

	test('an answer closes it though another probe has failed meanwhile', async () => {
		const { call, become, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		await later(1000)
		become({ after: 6_000 })
		const slow = call('minilm', { remaining: 60_000 })
		await later(5_000)
		become({ fails: 'network' })
		await call()
		expect(can()).toBe('no')
		await later(1_000)
		expect(await slow).toBe('answered')
		expect(can()).toBe('now')
	})

	test.each([
		[700, 700],
		[60_000, 5_000],
	])('a probe with %i ms that is never heard of again is forgotten after %i ms', async (remaining, forgotten) => {
		const { call, become, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		await later(1000)
		become({ after: Number.POSITIVE_INFINITY, heeds: false })
		call('minilm', { remaining })
		await later(forgotten - 1)
		expect(can()).toBe('no')
		await later(1)
		expect(can()).toBe('now')
	})
})

describe('the network', () => {
	test('none: says so at once; what fails meanwhile is not the fault of who was asked', async () => {
		let online = false
		const { guard, call, can } = guarded({ fails: 'network' }, { online: () => online })
		expect(guard.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unhealthy', detail: 'offline' })
		for (let i = 0; i < 5; i++) await call()
		online = true
		expect(can()).toBe('now')
	})

	test('back again: all circuits close', async () => {
		const { guard, call, can } = guarded({ fails: 'network' })
		for (let i = 0; i < 3; i++) await call()
		expect(can()).toBe('no')
		guard.reset()
		expect(can()).toBe('now')
	})
})

test('calls go elsewhere meanwhile, and come back when it answers again', async () => {
	const { guard, become, asked } = guarded({ name: 'first', fails: 'network' })
	const candidates = [{ executor: guard }, { executor: scripted({ name: 'second' }) }]
	const ask = async () => {
		const answered = attempt(candidates, undefined, embedCall, context(), { sleep: sleepHere })
		await later(1)
		return (await answered).ran
	}
	for (let i = 0; i < 3; i++)
		expect(await ask()).toMatchObject({ executor: 'second', overflow: [{ executor: 'first', reason: 'unhealthy' }] })
	for (let i = 0; i < 10; i++) expect((await ask()).executor).toBe('second')
	expect(asked()).toBe(3)
	become({ name: 'first' })
	await later(1000)
	expect((await ask()).executor).toBe('first')
	expect((await ask()).overflow).toEqual([])
})
