// How long a server takes, from what its answers took: the way there and back, its queue, and the run, which grows with the call.

import type { Call, Provenance } from '../core/call.ts'
import type { Estimate } from '../core/executor.ts'
import { PaceMeter } from '../session/pace.ts'

/** Milliseconds expected of a server that has not answered yet. */
export const firstGuess = 500

/** Milliseconds in which half of what is known of a queue, or of a delay, is forgotten. */
const halfLife = 2_000

export interface RemotePace {
	expect(call: Call): Pick<Estimate, 'queue' | 'run'>
	/** A call is under way, until the returned function is called: others wait for its run. */
	sent(call: Call): () => void
	/** @param milliseconds from sending to the whole answer. @param ran what the server tells of it; what it does not is part of the run. */
	answered(call: Call, milliseconds: number, ran: Pick<Provenance, 'queue' | 'run'>): void
	/** No answer came in this time. */
	waited(call: Call, milliseconds: number): void
}

/** Grows with the time that a call takes. Input may be wrong: the call itself will say so. */
function sizeOf(call: Call): number {
	try {
		const size =
			call.kind === 'tensors'
				? Object.values(call.tensors).reduce((sum, { data }) => sum + data.byteLength, 1)
				: call.task === 'embed'
					? call.input.reduce((sum, text) => sum + 20 + text.length, 1)
					: // What is written takes the time, and of that nothing is known.
						1
		return Number.isFinite(size) ? size : 1
	} catch {
		return 1
	}
}

export function remotePace(): RemotePace {
	const runs = new PaceMeter()
	/** Milliseconds besides queue and run; null before the first answer. */
	let trip: number | null = null
	let lastSize = 1
	/** Milliseconds of the last call, and those that one took longer than it should have. */
	const queue = fading()
	const delay = fading()
	/** Milliseconds of runs that were asked for since an answer told of the queue. */
	let since = { sent: 0 }

	function expected(call: Call): number {
		if (trip === null) return firstGuess
		const size = sizeOf(call)
		// While calls of one size do not tell what grows with it, a smaller one is expected to take as long.
		return trip + runs.expect(runs.pace?.certain ? size : Math.max(size, lastSize))
	}

	return {
		expect(call) {
			const now = performance.now()
			return { queue: queue.at(now) + Math.max(0, since.sent), run: expected(call) + delay.at(now) }
		},
		sent(call) {
			const counted = since
			const run = runs.expect(sizeOf(call))
			counted.sent += run
			return () => {
				counted.sent -= run
			}
		},
		answered(call, milliseconds, ran) {
			const now = performance.now()
			const queued = Math.min(milliseconds, ran.queue ?? 0)
			const served = milliseconds - queued
			const run = Math.min(served, ran.run ?? served)
			if (trip !== null) delay.set(Math.max(delay.at(now), served - expected(call)), now)
			trip = trip === null ? served - run : trip + (served - run - trip) / 8
			lastSize = sizeOf(call)
			runs.add(lastSize, run)
			queue.set(queued, now)
			if (ran.queue !== null) since = { sent: 0 }
		},
		waited(call, milliseconds) {
			// At least so long; how much longer, nobody knows.
			const now = performance.now()
			delay.set(Math.max(delay.at(now), milliseconds - expected(call)), now)
		},
	}
}

/** A number that is forgotten with time, by halves. */
function fading() {
	let value = 0
	let since = 0
	return {
		at: (now: number) => value && value * 2 ** ((since - now) / halfLife),
		set(next: number, now: number) {
			value = next
			since = now
		},
	}
}
