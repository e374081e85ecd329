// Time left: deadlines do not travel (clocks differ), durations do.

import { SpillwayError } from './error.ts'
import type { Context } from './executor.ts'

/** Milliseconds a call may take unless said otherwise. */
export const defaultDeadline = 30_000

/** Starts a clock that tells the milliseconds left of `remaining`, never below 0. */
export function startClock(remaining: number): () => number {
	const end = performance.now() + remaining
	return () => Math.max(0, end - performance.now())
}

export const deadlineExceeded = (what: string): SpillwayError =>
	new SpillwayError('deadline-exceeded', `${what} did not finish in time: give a longer deadline`)

export const aborted = (signal: AbortSignal): SpillwayError =>
	new SpillwayError('aborted', 'the call was aborted', { cause: signal.reason })

/** Why a call is over before it has begun, if it is. */
export const overAlready = (what: string, remaining: number, signal: AbortSignal): SpillwayError | undefined =>
	signal.aborted ? aborted(signal) : remaining > 0 ? undefined : deadlineExceeded(what)

export type GiveUp = (error: SpillwayError) => void

/**
 * Settles like `work`, or rejects at the deadline or on abort, whichever comes first. The work is not stopped
 * (it may be inside ONNX Runtime): the signal that it is given tells its owner. Work that fails is told so too, for what it may have left
 * running. Leaves no timer and no listener behind.
 *
 * @param context time left in ms and signal.
 * @param work also gets a function that gives it up before, with an error; neither where it is declared without parameters.
 * @throws SpillwayError `deadline-exceeded` or `aborted`.
 */
export function bounded<T>(
	what: string,
	{ remaining, signal }: Pick<Context, 'remaining' | 'signal'>,
	work: (abandoned: AbortSignal, giveUp: GiveUp) => Promise<T>,
): Promise<T> {
	return new Promise<T>((resolve, reject) => {
		const over = overAlready(what, remaining, signal)
		if (over) throw over
		// Who does not look at it needs none: on workerd it costs more than the timer.
		const abandon = work.length > 0 ? new AbortController() : undefined
		const give: GiveUp = (error) => {
			clear()
			reject(error)
			abandon?.abort(error)
		}
		const onAbort = () => give(aborted(signal))
		// setTimeout turns anything above 2^31-1 ms into 1 ms.
		const timer = remaining < 2e9 ? setTimeout(() => give(deadlineExceeded(what)), remaining) : undefined
		const clear = () => {
			clearTimeout(timer)
			signal.removeEventListener('abort', onAbort)
		}
		signal.addEventListener('abort', onAbort)
		try {
			work(abandon?.signal as AbortSignal, give).then((value) => {
				clear()
				resolve(value)
			}, give)
		} catch (error) {
			give(error as SpillwayError)
		}
	})
}
