// Progress of a download, and how long it will take.

import { describe, expect, test, vi } from 'vitest'
import { TimeLeft } from '../../runtime/store/left.ts'
import type { Read } from '../../runtime/store/store.ts'
import { error, read, size } from './store-reading.ts'

describe('progress', () => {
	test('is told from what was verified, and what came from storage', async () => {
		const life = new AbortController()
		await error(read({ signal: life.signal, onProgress: ({ loaded }) => loaded > size / 2 && life.abort() }))
		const told: Read[] = []
		await read({ onProgress: (one) => told.push(one) })
		expect(told[0]).toEqual({ loaded: 0, total: size, stored: 0, left: null })
		const last = told.at(-1) as Read
		expect(last).toMatchObject({ loaded: size, total: size, left: 0 })
		expect(last.stored).toBeGreaterThan(size / 2)
		// First what is stored, then what is not.
		expect(told.find(({ loaded }) => loaded > last.stored)?.stored).toBe(last.stored)
	})

	test('the time left follows from what came in the last seconds, unverified parts included', () => {
		vi.useFakeTimers({ toFake: ['performance'], now: 0 })
		try {
			const left = new TimeLeft()
			expect(left.of(1000)).toBe(null)
			left.came(0)
			for (let i = 0; i < 10; i++) {
				vi.advanceTimersByTime(100)
				left.came(100)
			}
			// 1 byte each ms; of the 5,000 not verified 1,000 have come.
			expect(left.of(5000)).toBe(4000)
			left.settled(1000)
			expect(left.of(4000)).toBe(4000)
			// A tenth of it, for longer than is looked back.
			for (let i = 0; i < 120; i++) {
				vi.advanceTimersByTime(100)
				left.came(10)
				left.settled(10)
			}
			expect(left.of(1000)).toBeCloseTo(10_000, -3)
			expect(left.of(0)).toBe(0)
			// Nothing for a while: who knows.
			vi.advanceTimersByTime(60_000)
			expect(left.of(1000)).toBe(null)
		} finally {
			vi.useRealTimers()
		}
	})
})
