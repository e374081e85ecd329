// Whether to wait for more before a run is begun: for callers who were just answered and are likely to come again, as long as it costs less than
// a run.

/** Weight of the latest gap in the average. */
const weight = 0.2

/** Milliseconds of waiting for others, at most, where no limit is given. */
const longestWait = 20

/** Milliseconds between calls beyond which they are not expected to come together. */
const apart = 5

/** What is expected of those who call. */
export interface Expected {
	/** Milliseconds until one more comes, on average, counted from the last call or answer; infinite before the second call. */
	readonly gap: number
	/** Milliseconds since then. */
	readonly since: number
	/** Callers who were answered and have not come again. */
	readonly due: number
}

export class Arrivals {
	#last: number | undefined
	#gap = Number.POSITIVE_INFINITY
	#due = 0

	/** A call came. @param now in ms. */
	came(now: number): void {
		if (this.#last !== undefined) {
			const gap = now - this.#last
			this.#gap = this.#gap === Number.POSITIVE_INFINITY ? gap : this.#gap + weight * (gap - this.#gap)
		}
		this.#last = now
		this.#due = Math.max(0, this.#due - 1)
	}

	/** So many callers have their answers. @param now in ms. */
	answered(callers: number, now: number): void {
		this.#due = callers
		this.#last = now
	}

	/** Calls were seen to come one by one. */
	get rare(): boolean {
		return this.#gap > apart && this.#gap < Number.POSITIVE_INFINITY
	}

	expected(now: number): Expected {
		return { gap: this.#gap, since: now - (this.#last ?? now), due: this.#due }
	}
}

export interface Wait extends Expected {
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
 * Waiting for one more costs each that waits a gap, and saves a run. One that has not come after twice the gap is not waited for, nor is
 * anybody who was not here just before: whoever asks one thing after another, alone, never waits.
 *
 * @returns milliseconds to wait on, 0 for not at all.
 */
export function worthWaiting({ gap, since, due, rows, waited, fixed, maxWait }: Wait): number {
	if (due === 0 || fixed === undefined || gap * rows >= fixed) return 0
	const left = (maxWait ?? Math.min(longestWait, fixed)) - waited
	return Math.max(0, Math.min(2 * gap - since, left))
}
