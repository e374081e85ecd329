// Bounds within bounds. On workerd a timer and an `AbortController` cost as much as a call's checks: who is called within a bound that ends no
// later than its own time needs neither.

import { bounded, type GiveUp } from './deadline.ts'
import type { Context } from './executor.ts'

type Bound = Pick<Context, 'remaining' | 'signal'>

/** When signals are aborted at the latest, by `performance.now()`. */
const ends = new WeakMap<AbortSignal, number>()

/** Says that a signal is aborted when so many milliseconds are over, if not before, for as long as the work that it was given to is under way. */
export function markTimed(signal: AbortSignal, remaining: number): void {
	ends.set(signal, performance.now() + remaining)
}

/** Milliseconds by which clocks that were read one after the other differ. */
const slack = 5

/** Whether the time of a call, if it has any, is up no sooner than its signal is aborted. */
function isTimed({ remaining, signal }: Bound): boolean {
	const end = ends.get(signal)
	return remaining > 0 && end !== undefined && end <= performance.now() + remaining + slack
}

/**
 * As `bounded`, for work that ends its requests when its signal is aborted: within a bound, the work gets that bound's own signal. What it
 * leaves running when it is given up ends with that bound, which the error reaches at once.
 *
 * @throws SpillwayError `deadline-exceeded` or `aborted`.
 */
export function boundedWithin<T>(what: string, bound: Bound, work: (abandoned: AbortSignal, giveUp: GiveUp) => Promise<T>): Promise<T> {
	if (!isTimed(bound)) return bounded(what, bound, work)
	const { signal } = bound
	// No time of its own, and, as it is declared without parameters, no signal.
	return bounded(what, { remaining: Number.POSITIVE_INFINITY, signal }, (...[, giveUp]) => work(signal, giveUp))
}
