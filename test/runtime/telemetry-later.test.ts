// Observations are looked at later, when nobody waits for it.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { later } from '../../runtime/telemetry/later.ts'
import { answered } from './telemetry-observations.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
	vi.useRealTimers()
})

describe('observations', () => {
	test('are looked at in tasks of their own, in order, not too many in one; all at once when asked to', async () => {
		const seen: number[] = []
		const { observe, flush } = later((_, at) => seen.push(at))
		const call = answered()
		for (let at = 0; at < 250; at++) observe(call, at)
		expect(seen).toEqual([])
		expect(vi.getTimerCount()).toBe(1)
		await vi.advanceTimersToNextTimerAsync()
		expect(seen).toHaveLength(100)
		observe(call, 250)
		flush()
		expect(seen).toEqual(Array.from({ length: 251 }, (_, at) => at))
		expect(vi.getTimerCount()).toBe(0)
	})

	test('wait in bounded number, though the timers of a hidden page do not come', () => {
		let seen = 0
		const { observe } = later(() => seen++)
		for (let i = 0; i < 5000; i++) observe(answered(), 112)
		expect(5000 - seen).toBeLessThanOrEqual(1000)
	})

	test('one that cannot be looked at, by the fault of a tracer, does not keep the others from it', () => {
		const said = vi.spyOn(console, 'error').mockImplementation(() => {})
		const seen: number[] = []
		const { observe, flush } = later((_, at) => {
			if (at === 1) throw new Error('broken')
			seen.push(at)
		})
		for (let at = 0; at < 3; at++) observe(answered(), at)
		flush()
		expect(seen).toEqual([0, 2])
		expect(said).toHaveBeenCalledTimes(1)
		said.mockRestore()
	})
})
