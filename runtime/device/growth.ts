// When another session worker pays: once the work that waits takes longer than starting one, and not just after one could not be started.

/** What a start is taken to cost before one was measured beside others at work, in milliseconds. */
const firstGuess = 1000
/** A worker that had nothing to do for so many milliseconds has caught up. */
const breather = 100
/** Milliseconds without another try after a start that failed; twice as long after each further one, up to `longest`. */
const pause = 60_000
const longest = 15 * 60_000

export class Growth {
	#cost = firstGuess
	#costs = 0
	/** Since when there has always been work for all. */
	#pressed: number | undefined
	#failures = 0
	#notBefore = 0

	/**
	 * Whether to start one more. What counts is how long the work lasts that began when all workers had something to do: that what waits will
	 * take, and what was waited already. So a burst grows the pool at once, and a small queue that never ends a little later.
	 *
	 * @param backlog milliseconds until what waits is begun, with the workers of now.
	 * @param usable workers now.
	 * @param starting workers on their way.
	 */
	pays(backlog: number, usable: number, starting: number): boolean {
		const now = performance.now()
		this.#pressed ??= now
		if (now < this.#notBefore) return false
		const share = usable / (usable + starting || 1)
		return now - this.#pressed + backlog * (share || 1) > this.#cost
	}

	/** A worker is given something to do. @param idle milliseconds that it had nothing to do before. */
	took(idle: number): void {
		if (idle > breather) this.#pressed = undefined
	}

	/** A worker was started. @param first whether it was the pool's first, which may have had a head start: then only a long time counts. */
	started(milliseconds: number, first: boolean): void {
		if (first) this.#cost = Math.max(firstGuess, milliseconds)
		else {
			this.#cost = this.#costs === 0 ? milliseconds : (this.#cost + milliseconds) / 2
			this.#costs++
			this.#failures = 0
		}
		// Whether that was enough is to be seen.
		this.#pressed = undefined
	}

	/** A worker could not be started, or they die: the pool goes on with those it has. */
	failed(): void {
		this.#notBefore = performance.now() + Math.min(longest, pause * 2 ** this.#failures)
		this.#failures++
	}

	/** Whether a worker that died may be replaced while others live. */
	get paused(): boolean {
		return performance.now() < this.#notBefore
	}
}
