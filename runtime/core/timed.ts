// Bounds within bounds. On workerd a timer and an `AbortController` cost as much as a call's checks: who is called within a bound that ends no
// later than its own time needs neither.

import { aborted, bounded, type GiveUp, overAlready } from './deadline.ts'
import type { SpillwayError } from './error.ts'
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

/** Whether the time of a call is up no sooner than its signal is aborted. */
function isTimed({ remaining, signal }: Bound): boolean {
	const end = ends.get(signal)
	return end !== undefined && end <= performance.now() + remaining + slack
}

/**
 * As `bounded`, for work that ends its requests when its signal is aborted: within a bound, the work gets that bound's own signal. What it
 * leaves running when it is given up ends with that bound, which the error reaches at once.
 *
 * @throws SpillwayError `deadline-exceeded` or `aborted`.
 */
export function boundedWithin<T>(what: string, bound: Bound, work: (abandoned: AbortSignal, giveUp: GiveUp) => Promise<T>): Promise<T> {
	if (!isTimed(bound)) return bounded(what, bound, work)
	const { remaining, signal } = bound
	return new Promise<T>((resolve, reject) => {
		const over = overAlready(what, remaining, signal)
		if (over) throw over
		const give: GiveUp = (error) => {
			signal.removeEventListener('abort', onAbort)
			reject(error)
		}
		const onAbort = () => give(aborted(signal))
		signal.addEventListener('abort', onAbort)
		try {
			work(signal, give).then((value) => {
				signal.removeEventListener('abort', onAbort)
				resolve(value)
			}, give)
		} catch (error) {
			give(error as SpillwayError)
		}
	})
}
