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

/**
 * Settles like `work`, or rejects at the deadline or on abort, whichever comes first. The work is not stopped
 * (it may be inside ONNX Runtime): the signal that it is given tells its owner. Leaves no timer and no listener behind.
 *
 * @param context time left in ms and signal.
 * @param work also gets a function that gives it up before, with an error.
 * @param also aborts the work as well: `AbortSignal.any` costs several times as much.
 * @throws SpillwayError `deadline-exceeded` or `aborted`.
 */
export function bounded<T>(
	what: string,
	{ remaining, signal }: Pick<Context, 'remaining' | 'signal'>,
	work: (abandoned: AbortSignal, giveUp: (error: SpillwayError) => void) => Promise<T>,
	also?: AbortSignal,
): Promise<T> {
	const over = [signal, also].find((one) => one?.aborted)
	if (over || remaining <= 0) return Promise.reject(over ? aborted(over) : deadlineExceeded(what))
	return new Promise<T>((resolve, reject) => {
		// Who does not look at it needs none: on workerd it costs more than the timer.
		const abandon = work.length > 0 ? new AbortController() : undefined
		const give = (error: SpillwayError) => {
			clear()
			reject(error)
			abandon?.abort(error)
		}
		const onAbort = () => give(aborted(also?.aborted ? also : signal))
		// setTimeout turns anything above 2^31-1 ms into 1 ms.
		const timer = setTimeout(() => give(deadlineExceeded(what)), Math.min(remaining, 2e9))
		const clear = () => {
			clearTimeout(timer)
			signal.removeEventListener('abort', onAbort)
			also?.removeEventListener('abort', onAbort)
		}
		signal.addEventListener('abort', onAbort, { once: true })
		also?.addEventListener('abort', onAbort, { once: true })
		const settle =
			<V>(give: (value: V) => void) =>
			(value: V) => {
				clear()
				give(value)
			}
		try {
			work(abandon?.signal as AbortSignal, give).then(settle(resolve), settle(reject))
		} catch (error) {
			settle(reject)(error)
		}
	})
}
