// Loads under way, each shared by all who wait for it, and what became of those that failed.

import { aborted, bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'

/** After a failed load, calls that have somewhere else to go do not try again for this long; doubled after each further failure. */
const firstPause = 5_000
const longestPause = 300_000

interface Load<T> {
	readonly work: Promise<T>
	waiting: number
	stopping: boolean
}

interface Failure {
	readonly error: SpillwayError
	readonly count: number
	readonly until: number
}

export interface Loads<T> {
	/**
	 * Waits for the model; starts loading it when nobody else has. One who gives up does not disturb the others; when all have, the load is stopped.
	 */
	wait(model: string, context: { remaining: number; signal: AbortSignal }): Promise<T>
	/** The last load's error, while it is too early to try again on one's own account. */
	failure(model: string): SpillwayError | undefined
}

/**
 * @param start loads a model; joined while it is under way, asked again after that.
 * @param stop ends a load that nobody waits for any more.
 */
export function shareLoads<T>(start: (model: string) => Promise<T>, stop: (model: string) => void): Loads<T> {
	const loads = new Map<string, Load<T>>()
	const failures = new Map<string, Failure>()

	function begin(model: string): Load<T> {
		const load: Load<T> = { work: start(model), waiting: 0, stopping: false }
		loads.set(model, load)
		load.work.then(
			() => {
				loads.delete(model)
				failures.delete(model)
			},
			(thrown) => {
				loads.delete(model)
				const error = SpillwayError.from(thrown)
				if (error.code === 'aborted' || error.code === 'disposed') return
				const count = failures.get(model)?.count ?? 0
				const pause = Math.min(longestPause, firstPause * 2 ** count)
				failures.set(model, { error, count: count + 1, until: performance.now() + pause })
			},
		)
		return load
	}

	return {
		wait: (model, context) =>
			bounded(`loading ${model}`, context, async (abandoned) => {
				// A load that is being stopped must have ended before the next one begins.
				while (loads.get(model)?.stopping) await loads.get(model)?.work.catch(() => {})
				if (abandoned.aborted) throw aborted(abandoned)
				const load = loads.get(model) ?? begin(model)
				load.waiting++
				let left = false
				const leave = () => {
					if (left) return
					left = true
					if (--load.waiting > 0 || loads.get(model) !== load) return
					load.stopping = true
					stop(model)
				}
				abandoned.addEventListener('abort', leave)
				try {
					return await load.work
				} finally {
					left = true
				}
			}),
		failure(model) {
			const failure = failures.get(model)
			return failure && performance.now() < failure.until ? failure.error : undefined
		},
	}
}
