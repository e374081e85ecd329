// Calls that a session worker has begun by itself: the engine does its part a moment later, for now it would take processor time and caches from the
// worker, and nobody waits for it.

import { startClock } from '../core/deadline.ts'

/** Milliseconds: a short text is answered then, and of a longer one little is left to disturb. */
const moment = 20

export class Begun {
	readonly #held = new Set<() => void>()

	/** Those that the engine has not looked at. */
	get size(): number {
		return this.#held.size
	}

	/** Does `work` in a moment, or when something else comes. @param remaining milliseconds left; `work` is told how many then. */
	hold<T>(remaining: number, work: (remaining: number) => Promise<T>): Promise<T> {
		const left = startClock(remaining)
		return new Promise((resolve, reject) => {
			const go = () => {
				clearTimeout(timer)
				this.#held.delete(go)
				work(left()).then(resolve, reject)
			}
			const timer = setTimeout(go, Math.min(moment, remaining))
			this.#held.add(go)
		})
	}

	/** Something else comes: what was begun before stands before it. */
	release(): void {
		for (const go of this.#held) go()
	}
}
