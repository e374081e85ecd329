// Whether to wait for more before a run is begun: only when those to come are expected sooner than the wait costs.

/** Weight of the latest gap in the average. */
const weight = 0.2

/** Milliseconds of waiting for others, at most, where no limit is given. */
const longestWait = 20

/** How far apart calls come. */
export class Arrivals {
	#last: number | undefined
	#gap = Number.POSITIVE_INFINITY
	#stirred = 0

	/** @param now in ms. */
	seen(now: number): void {
		if (this.#last !== undefined) {
			const gap = now - this.#last
			this.#gap = this.#gap === Number.POSITIVE_INFINITY ? gap : this.#gap + weight * (gap - this.#gap)
		}
		this.#last = now
	}

	/** Milliseconds between two, on average; infinite before the second. */
	get gap(): number {
		return this.#gap
	}

	/** Answers were given, upon which callers may come again. @param now in ms. */
	answered(now: number): void {
		this.#stirred = now
	}

	/** Milliseconds since the last one, or since something gave cause to expect one. @param now in ms. */
	since(now: number): number {
		return now - Math.max(this.#last ?? now, this.#stirred)
	}
}

export interface Wait {
	/** Milliseconds between arrivals. */
	gap: number
	/** Milliseconds since one might have come. */
	since: number
	/** Rows that would wait on. */
	rows: number
	/** Milliseconds that they were held back already. */
	waited: number
	/** What a run costs besides its work, in ms; `undefined` while that is not known. */
	fixed: number | undefined
	/** Most milliseconds of waiting. Default: `fixed`, at most 20. */
	maxWait: number | undefined
}

/**
 * Waiting for one more costs each that waits a gap, and saves a run. One that has not come after twice the gap is not waited for.
 *
 * @returns milliseconds to wait on, 0 for not at all.
 */
export function worthWaiting({ gap, since, rows, waited, fixed, maxWait }: Wait): number {
	if (fixed === undefined || gap * rows >= fixed) return 0
	const left = (maxWait ?? Math.min(longestWait, fixed)) - waited
	return Math.max(0, Math.min(2 * gap - since, left))
}
