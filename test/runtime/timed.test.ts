// Bounds, and bounds within bounds.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bounded, type GiveUp } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { boundedWithin, markTimed } from '../../runtime/core/timed.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

/** Work that never ends, and what it was given. */
function endless() {
	const given: { signal?: AbortSignal; giveUp?: GiveUp } = {}
	const work = (signal: AbortSignal, giveUp: GiveUp) => {
		Object.assign(given, { signal, giveUp })
		return new Promise<never>(() => {})
	}
	return { given, work }
}

const codeOf = (promise: Promise<unknown>) => promise.then(String, (error: SpillwayError) => error.code)

test('work that fails has its signal aborted, for what it left running; work that does not, has not', async () => {
	const signals: AbortSignal[] = []
	const bound = { remaining: 1_000, signal: new AbortController().signal }
	const failed = bounded('it', bound, async (signal) => {
		signals.push(signal)
		throw new SpillwayError('upstream', 'no')
	})
	expect(await codeOf(failed)).toBe('upstream')
	await bounded('it', bound, async (signal) => signals.push(signal))
	expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
	expect(vi.getTimerCount()).toBe(0)
})

describe('within a bound that ends no later', () => {
	/** A bound of so many milliseconds around work that is bounded itself. */
	function nested(outer: number, inner = outer) {
		const client = new AbortController()
		const { given, work } = endless()
		const call = bounded('the attempt', { remaining: outer, signal: client.signal }, (signal) => {
			markTimed(signal, outer)
			return boundedWithin('the call', { remaining: inner, signal }, work)
		})
		return { client, given, end: codeOf(call) }
	}

	test('the work gets its signal, and no timer of its own', async () => {
		const { given, end } = nested(1_000)
		expect(vi.getTimerCount()).toBe(1)
		await vi.advanceTimersByTimeAsync(1_000)
		expect(await end).toBe('deadline-exceeded')
		expect(given.signal?.aborted).toBe(true)
	})

	test('it is over when the client leaves', async () => {
		const { client, given, end } = nested(1_000)
		client.abort()
		expect(await end).toBe('aborted')
		expect(given.signal?.aborted).toBe(true)
	})

	test('it can be given up, and what it left running ends', async () => {
		const { given, end } = nested(1_000)
		given.giveUp?.(new SpillwayError('disposed', 'gone'))
		expect(await end).toBe('disposed')
		expect(given.signal?.aborted).toBe(true)
	})

	test('less time of its own is kept to', async () => {
		const { given, end } = nested(1_000, 100)
		expect(vi.getTimerCount()).toBe(2)
		await vi.advanceTimersByTimeAsync(100)
		expect(await end).toBe('deadline-exceeded')
		expect(given.signal?.aborted).toBe(true)
	})
})

test.each([1_000, Number.POSITIVE_INFINITY])('a signal that nobody has marked is none to rely on: %s ms', async (remaining) => {
	const { signal } = new AbortController()
	const { given, work } = endless()
	const end = codeOf(boundedWithin('the call', { remaining, signal }, work))
	given.giveUp?.(new SpillwayError('disposed', 'gone'))
	expect(await end).toBe('disposed')
	expect(given.signal).not.toBe(signal)
	expect(given.signal?.aborted).toBe(true)
})

test('what throws at once leaves no listener behind', async () => {
	const { signal } = new AbortController()
	markTimed(signal, 1_000)
	const removed = vi.spyOn(signal, 'removeEventListener')
	const thrown = boundedWithin('the call', { remaining: 1_000, signal }, () => {
		throw new SpillwayError('invalid-input', 'no')
	})
	expect(await codeOf(thrown)).toBe('invalid-input')
	expect(removed).toHaveBeenCalledTimes(1)
})
