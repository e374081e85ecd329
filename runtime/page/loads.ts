// Loads under way, each shared by all who wait for it, and what became of those that failed.

import { bounded } from '../core/deadline.ts'
import type { SpillwayError } from '../core/error.ts'

/** After a failed load, calls that have somewhere else to go do not try again for this long. */
const pause = 10_000

export interface Loads<T> {
	/**
	 * Waits for a load; begins it when none is under way. One who gives up does not disturb the others; when all have, the load is stopped.
	 */
	wait(key: string, context: { remaining: number; signal: AbortSignal }): Promise<T>
	/** Whether no load is under way, and none failed just now. */
	idle(key: string): boolean
	/** The last load's error, while it is too early to try again on one's own account. */
	failure(key: string): SpillwayError | undefined
}

/**
 * @param start begins a load; rejects with a SpillwayError. `wanted` tells whether anybody still waits for it.
 * @param stop ends a load that nobody waits for any more; what `start` begins after that is another one.
 */
export function shareLoads<T>(start: (key: string, wanted: () => boolean) => Promise<T>, stop: (key: string) => void): Loads<T> {
	interface Load {
		work: Promise<T>
		waiting: number
		/** Makes room for another one. @returns whether it was still the load of its key. */
		end(): boolean
	}
	const loads = new Map<string, Load>()
	const failures = new Map<string, { error: SpillwayError; until: number }>()

	function begin(key: string) {
		const isWanted = () => loads.get(key) === load
		const load = { waiting: 0, end: () => isWanted() && loads.delete(key) } as Load
		load.work = start(key, isWanted)
		loads.set(key, load)
		load.work.then(
			() => {
				failures.delete(key)
				load.end()
			},
			(error) => {
				if (load.end()) failures.set(key, { error, until: performance.now() + pause })
			},
		)
		return load
	}

	function failure(key: string) {
		const { error, until = 0 } = failures.get(key) ?? {}
		return performance.now() < until ? error : undefined
	}

	return {
		wait: (key, context) =>
			bounded(`loading ${key}`, context, (abandoned) => {
				abandoned.throwIfAborted()
				const load = loads.get(key) ?? begin(key)
				load.waiting++
				abandoned.addEventListener('abort', () => {
					if (--load.waiting < 1 && load.end()) stop(key)
				})
				return load.work
			}),
		failure,
		idle: (key) => !loads.has(key) && !failure(key),
	}
}
