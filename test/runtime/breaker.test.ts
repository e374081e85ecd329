// The circuit breaker: when it opens, and what that means for calls. How it is tried again: `breaker-probes.test.ts`.

import { describe, expect, test } from 'vitest'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import { attempt, sleepHere } from '../../runtime/overflow/loop.ts'
import { guarded, later } from './breaker-guarded.ts'
import { context, embedCall, scripted } from './scripted.ts'

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
