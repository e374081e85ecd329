// What is known of a server without asking it: how long answers took, and whether it failed just now.

import type { Call } from '../core/call.ts'
import type { SpillwayError } from '../core/error.ts'
import { cannot, type Estimate } from '../core/executor.ts'

/** Milliseconds expected of a server that has not answered yet. */
const firstGuess = 500

/** A failing server is passed by for this long at first, twice as long after each further failure. */
const firstPause = 1_000
const longestPause = 30_000

export interface Health {
	estimate(call: Call): Estimate
	answered(call: Call, milliseconds: number): void
	failed(error: Pick<SpillwayError, 'code'> & Partial<SpillwayError>): void
}

/** Grows with the time that a call takes. */
function sizeOf(call: Call): number {
	try {
		return call.kind === 'task'
			? call.input.reduce((sum, text) => sum + 20 + text.length, 1)
			: Object.values(call.tensors).reduce((sum, { data }) => sum + data.byteLength, 1)
	} catch {
		return 1 // Wrong input: the call itself will say so.
	}
}

export function trackHealth(): Health {
	/** Milliseconds for a call of the size below: the worst of late, slowly forgotten. */
	let time = firstGuess
	let size = Number.POSITIVE_INFINITY
	let pause = firstPause
	let pausedUntil = 0
	let detail = ''

	return {
		estimate(call) {
			const queue = pausedUntil - performance.now()
			if (queue > 0) return { ...cannot('unhealthy', detail), queue }
			return { can: 'now', queue: 0, run: time * Math.max(1, sizeOf(call) / size) }
		},
		answered(call, milliseconds) {
			pause = firstPause
			pausedUntil = 0
			time = size === Number.POSITIVE_INFINITY ? milliseconds : Math.max(milliseconds, time + (milliseconds - time) / 8)
			size = sizeOf(call)
		},
		failed({ code, retryAfter }) {
			// Other errors say nothing about the next call.
			if (!['network', 'upstream', 'unavailable', 'rate-limited'].includes(code)) return
			pausedUntil = performance.now() + (retryAfter ?? pause)
			pause = Math.min(longestPause, pause * 2)
			detail = `failed just now: ${code}`
		},
	}
}
