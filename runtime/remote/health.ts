// What is known of a server without asking it: how long answers took, and whether it failed just now.

import type { Call } from '../core/call.ts'
import type { SpillwayError } from '../core/error.ts'
import type { Estimate } from '../core/executor.ts'

/** Milliseconds expected of a server that has not answered yet. */
const firstGuess = 500

/** A failing server is passed by for this long at first, twice as long after each further failure. */
const firstPause = 1_000
const longestPause = 30_000

/** Size of a call, for estimates: grows with the time that it takes. */
export const sizeOf = (call: Call): number =>
	call.kind === 'task'
		? call.input.reduce((sum, text) => sum + 20 + text.length, 0)
		: Object.values(call.tensors).reduce((sum, { data }) => sum + data.byteLength, 0)

export interface Health {
	estimate(size: number): Estimate
	answered(size: number, milliseconds: number): void
	failed(error: SpillwayError): void
}

/** @param name of the server, for the estimate's words. */
export function trackHealth(name: string): Health {
	// Smoothed as TCP does with round trips (RFC 6298): mean and mean deviation.
	let time = { mean: firstGuess, deviation: 0, size: 1, measured: false }
	let failures = 0
	let pausedUntil = 0
	let detail = ''

	return {
		estimate(size) {
			const pause = pausedUntil - performance.now()
			if (pause > 0) return { can: 'no', reason: 'unhealthy', detail, queue: Math.ceil(pause), run: 0 }
			const larger = time.measured ? Math.max(1, size / time.size) : 1
			return { can: 'now', queue: 0, run: (time.mean + 2 * time.deviation) * larger }
		},
		answered(size, milliseconds) {
			failures = 0
			pausedUntil = 0
			const { mean, deviation } = time
			time = time.measured
				? {
						mean: mean + (milliseconds - mean) / 8,
						deviation: deviation + (Math.abs(milliseconds - mean) - deviation) / 4,
						size: Math.max(1, time.size + (size - time.size) / 8),
						measured: true,
					}
				: { mean: milliseconds, deviation: milliseconds / 4, size: Math.max(1, size), measured: true }
		},
		failed(error) {
			// The others say nothing about the next call.
			if (!['network', 'upstream', 'unavailable', 'rate-limited'].includes(error.code)) return
			const pause = error.retryAfter ?? Math.min(longestPause, firstPause * 2 ** failures)
			failures++
			pausedUntil = performance.now() + pause
			detail = `${name} failed just now: ${error.code}`
		},
	}
}
