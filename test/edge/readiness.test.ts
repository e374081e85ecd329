import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { remembered } from '../../edge/upstreams/readiness.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

test('thousands that want to know at once ask once', async () => {
	const ask = vi.fn(() => new Promise<boolean>((answer) => setTimeout(() => answer(true), 30)))
	const ready = remembered(ask)
	const told = Promise.all(Array.from({ length: 2_000 }, () => ready()))
	await vi.advanceTimersByTimeAsync(200)
	expect(new Set(await told)).toEqual(new Set([true]))
	expect(ask).toHaveBeenCalledTimes(1)
})

test('an answer is good for a second', async () => {
	const ask = vi.fn(async () => true)
	const ready = remembered(ask)
	await ready()
	await vi.advanceTimersByTimeAsync(900)
	await ready()
	expect(ask).toHaveBeenCalledTimes(1)
	await vi.advanceTimersByTimeAsync(200)
	await ready()
	expect(ask).toHaveBeenCalledTimes(2)
})

test('another edge that asks while the first answer is out is told no, at once', async () => {
	const ready = remembered(() => new Promise((answer) => setTimeout(() => answer(true), 30)))
	const own = ready()
	expect(await ready(1)).toBe(false)
	await vi.advanceTimersByTimeAsync(50)
	expect(await own).toBe(true)
	expect(await ready(1)).toBe(true)
})

test('who asked and was cut off does not keep the others waiting for ever', async () => {
	const ask = vi
		.fn<() => Promise<boolean>>()
		.mockReturnValueOnce(new Promise(() => {}))
		.mockResolvedValue(true)
	const ready = remembered(ask)
	ready()
	const other = ready()
	await vi.advanceTimersByTimeAsync(3_000)
	expect(await other).toBe(true)
	expect(ask).toHaveBeenCalledTimes(2)
})
