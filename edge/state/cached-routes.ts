// Changed routes that are kept elsewhere, as they were a second ago at most.

import { messageOf } from '../../runtime/core/error.ts'
import { type Change, noRoutes, type RouteState, type RouteStore } from '../versions/state.ts'

/** Milliseconds for which what was read is believed. */
const freshness = 1_000

/** Milliseconds for which a request waits for what is there now, before it goes on with what was read last. */
const patience = 500

/**
 * Keeps settled values only: on workerd a promise of one request must not be awaited by another (workerd issue 210).
 *
 * @param ask makes the change, if there is one, and gives the state.
 */
export function cachedRoutes(ask: (change?: Change) => Promise<RouteState>): RouteStore {
	let kept: RouteState | undefined
	let looked = Number.NEGATIVE_INFINITY

	/** An answer that was overtaken by a later one is not taken, and one that says the same is the same. */
	function take(state: RouteState): RouteState {
		if (!kept || state.revision > kept.revision) kept = state
		return kept
	}

	return {
		async read() {
			if (kept && performance.now() - looked < freshness) return kept
			looked = performance.now()
			let timer: ReturnType<typeof setTimeout> | undefined
			const last = kept ?? noRoutes
			const late = new Promise<RouteState>((resolve) => {
				timer = setTimeout(() => resolve(last), patience)
			})
			const anew = ask().then(take, (error) => {
				console.error(`the routes cannot be read, and the last ones go on: ${messageOf(error)}`)
				return last
			})
			try {
				return await Promise.race([anew, late])
			} finally {
				clearTimeout(timer)
			}
		},
		change: async (change) => take(await ask(change)),
	}
}
