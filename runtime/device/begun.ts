// Calls that a session worker has begun by itself: the engine does its part a moment later, for now it would take processor time and caches from the
// worker, and nobody waits for it.

import { startClock } from '../core/deadline.ts'
import type { Context } from '../core/executor.ts'

/** Milliseconds: a short text is answered then, and of a longer one little is left to disturb. */
const moment = 20

export class Begun {
	readonly #held = new Set<() => void>()
	/** The life of the worker to which the page's line leads, or led last. */
	worker: AbortSignal | undefined

	/** Those that the engine has not looked at. */
	get size(): number {
		return this.#held.size
	}

	/** Does `work` in a moment, or when something else comes. It is told the time left then, and who has begun the call. */
	hold<T>(context: Context, work: (context: Context) => Promise<T>): Promise<T> {
		const { remaining } = context
		const { worker } = this
		const left = startClock(remaining)
		return new Promise((resolve, reject) => {
			const go = () => {
				clearTimeout(timer)
				this.#held.delete(go)
				work({ ...context, remaining: left(), begunBy: worker }).then(resolve, reject)
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
