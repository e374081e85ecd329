// Failures in a row: what counts as one, how long the pauses are, and when a download is given up.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { Failures } from '../../runtime/store/patience.ts'
import { chunksAre, error, read, server, short } from './store-reading.ts'

describe('cuts', () => {
	test('what breaks several off at once is one failure', async () => {
		const failures = new Failures({ ...short, retries: 1 })
		const error = new SpillwayError('network', 'gone')
		const { signal } = new AbortController()
		const bear = (before: number) => failures.bear({ error, before, late: false }, signal)
		await Promise.all([1, 2, 3, 4].map(() => bear(0)))
		await expect(bear(failures.count)).rejects.toBe(error)
	})

	describe('pauses', () => {
		beforeEach(() => {
			vi.useFakeTimers()
		})
		afterEach(() => {
			vi.useRealTimers()
		})
		const error = new SpillwayError('network', 'gone')
		const { signal } = new AbortController()
		const refused = () => Promise.reject(error)
		/** A part that is refused at once, again and again. */
		const part = async (failures: Failures, work: () => Promise<void> = refused) => {
			for (;;) {
				const before = failures.count
				try {
					await failures.inTurn(signal, work)
					return failures.makeUp()
				} catch {
					await failures.bear({ error, before, late: false }, signal)
				}
			}
		}

		test.each([1, 4])('double with each failure in a row; %i at once wait together: six tries are many seconds', async (parts) => {
			const failures = new Failures({ ...short, retries: 6 })
			const begun = performance.now()
			const ended = expect(Promise.any(Array.from({ length: parts }, () => part(failures)))).rejects.toMatchObject({
				errors: new Array(parts).fill(error),
			})
			await vi.runAllTimersAsync()
			await ended
			// 300 ms to 9.6 s, up to half of each left to chance.
			expect(performance.now() - begun).toBeGreaterThan(9_000)
		})

		test('begin anew when something has come; who waits goes on then, unless it was told a time', async () => {
			const failures = new Failures({ ...short, retries: 6 })
			for (let i = 0; i < 5; i++) {
				const bearing = failures.bear({ error, before: failures.count, late: false }, signal)
				await vi.runAllTimersAsync()
				await bearing
			}
			const begun = performance.now()
			const went: number[] = []
			const note = () => went.push(performance.now() - begun)
			const told = new SpillwayError('rate-limited', 'later', { retryAfter: 20_000 })
			const waiting = [
				failures.bear({ error, before: failures.count, late: false }, signal).then(note),
				failures.bear({ error: told, before: -1, late: false }, signal).then(note),
			]
			failures.makeUp()
			await vi.runAllTimersAsync()
			await Promise.all(waiting)
			expect(went[0]).toBeLessThanOrEqual(1_000)
			expect(went[1]).toBeGreaterThanOrEqual(20_000)
			const again = performance.now()
			const first = failures.bear({ error, before: failures.count, late: false }, signal)
			await vi.runAllTimersAsync()
			await first
			expect(performance.now() - again).toBeLessThanOrEqual(300)
		})
	})

	test('a server that says nothing is given up after a time, however many parts wait for it in turn', async () => {
		server.fault = chunksAre(() => {})
		const asked = () => server.asked.filter((path) => path.startsWith('chunks/')).length
		expect(await error(read({ patience: { retries: 6, stall: 100, offline: 0, fruitless: 300 } }))).toMatchObject({ code: 'network' })
		// Four at once, which count as one, and then one after another.
		expect(asked()).toBeLessThanOrEqual(4 + 3)
	})

	test('from a failure to the next success parts come one at a time', async () => {
		const failures = new Failures(short)
		const { signal } = new AbortController()
		let most = 0
		let now = 0
		const part = () =>
			failures.inTurn(signal, async () => {
				most = Math.max(most, ++now)
				await new Promise((done) => setTimeout(done, 10))
				now--
			})
		const four = () => Promise.all([1, 2, 3, 4].map(part))
		await four()
		expect(most).toBe(4)
		await failures.bear({ error: new SpillwayError('network', 'gone'), before: 0, late: true }, signal)
		most = 0
		await four()
		expect(most).toBe(1)
		failures.makeUp()
		await four()
		expect(most).toBe(4)
	})
})
