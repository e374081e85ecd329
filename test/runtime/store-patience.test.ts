// Failures in a row: what counts as one, how long the pauses are, and when a download is given up.

import { describe, expect, test, vi } from 'vitest'
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

	test('pauses double with each failure in a row, whichever parts fail: six tries are a quarter of a minute, not two seconds', async () => {
		vi.useFakeTimers()
		try {
			const failures = new Failures({ ...short, retries: 6 })
			const error = new SpillwayError('network', 'gone')
			const { signal } = new AbortController()
			const begun = performance.now()
			const all = (async () => {
				for (;;) await failures.bear({ error, before: failures.count, late: false }, signal)
			})()
			const ended = expect(all).rejects.toBe(error)
			await vi.runAllTimersAsync()
			await ended
			// 300 ms to 9.6 s, up to half of each left to chance.
			expect(performance.now() - begun).toBeGreaterThan(9_000)
			failures.makeUp()
			const again = performance.now()
			const first = failures.bear({ error, before: failures.count, late: false }, signal)
			await vi.runAllTimersAsync()
			await first
			expect(performance.now() - again).toBeLessThanOrEqual(300)
		} finally {
			vi.useRealTimers()
		}
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
