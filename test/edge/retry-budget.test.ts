// What all calls together may spend on retries.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sharedRetries } from '../../edge/upstreams/routing/retry-budget.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

test('grows with calls and with time, to a limit that time before the spending does not lift', () => {
	const retries = sharedRetries()
	const left = () => retries.call({ left: 1e6 }).left
	expect(left()).toBe(100)
	for (let i = 0; i < 49; i++) left()
	expect(left()).toBe(110)
	vi.advanceTimersByTime(1_000)
	expect(left()).toBe(120)
	vi.advanceTimersByTime(3_600_000)
	expect(left()).toBe(1_000)
	const calls = Array.from({ length: 600 }, () => retries.call({ left: 2 }))
	vi.advanceTimersByTime(30_000)
	for (const call of calls) call.left--
	expect(left()).toBe(400)
})

test('a call spends of its own, and no more than there is for all', () => {
	const retries = sharedRetries()
	const own = { left: 2 }
	const call = retries.call(own)
	call.left--
	expect([call.left, own.left]).toEqual([1, 1])
	for (const other of Array.from({ length: 130 }, () => retries.call({ left: 1 }))) if (other.left > 0) other.left--
	expect(call.left).toBe(0)
})
