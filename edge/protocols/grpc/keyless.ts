// Streams that need no key: who has none must not hold as many as memory takes, nor for ever.

import { SpillwayError } from '../../../runtime/core/error.ts'
import { Leases } from '../../guard/leases.ts'

export interface KeylessOptions {
	/** Streams that are open at a time, of all clients together. Default 1,000. */
	readonly most?: number | undefined
	/** Milliseconds after which a stream is ended; who wants to go on asks anew. Default: an hour. */
	readonly longest?: number | undefined
}

/** Milliseconds after which another try makes sense. */
const later = 10_000

/**
 * Counts streams together, in this process or isolate.
 *
 * @returns makes a counted stream of another one, which is given a signal that is aborted when the client leaves or the stream's time is
 *   over. It throws SpillwayError `rate-limited` when too many are open.
 * @example const keyless = keylessStreams(); const watched = keyless(context.signal, (signal) => statuses(signal))
 */
export function keylessStreams({ most = 1_000, longest = 3_600_000 }: KeylessOptions = {}) {
	const open = new Leases()
	return async function* keyless<T>(left: AbortSignal, stream: (signal: AbortSignal) => AsyncIterable<T>): AsyncGenerator<T> {
		if (open.countUpTo(most) >= most)
			throw new SpillwayError('rate-limited', `${most} streams without a key are open here; try again later`, { retryAfter: later })
		const lease = open.begin(longest)
		const stop = new AbortController()
		const end = () => stop.abort()
		const timer = setTimeout(end, longest)
		left.addEventListener('abort', end)
		if (left.aborted) end()
		try {
			yield* stream(stop.signal)
		} finally {
			clearTimeout(timer)
			left.removeEventListener('abort', end)
			open.end(lease)
		}
	}
}
