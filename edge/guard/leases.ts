// Calls under way, counted so that none is counted for ever: on workerd a request whose client leaves is cut off without a word.

/** Milliseconds after its time by which a call must have ended. */
const grace = 1_000

/** What a call is counted by. */
export type Lease = number

export class Leases {
	/**
	 * In the order in which they began. By numbers: a `Map` that entries come to and go from is made anew again and again, and what an old one
	 * held stays in memory until the next full garbage collection; it shall not be all that a call is made of.
	 */
	readonly #leases = new Map<Lease, { readonly began: number; readonly until: number }>()
	#last = 0

	/** @param remaining milliseconds that the call may take. @param began by `performance.now()`. */
	begin(remaining: number, began = performance.now()): Lease {
		this.#leases.set(++this.#last, { began, until: began + remaining + grace })
		return this.#last
	}

	/** @returns whether it was still counted. */
	end(lease: Lease): boolean {
		return this.#leases.delete(lease)
	}

	get size(): number {
		return this.#leases.size
	}

	/** Those that began so many milliseconds ago, or before. */
	olderThan(milliseconds: number): number {
		const before = performance.now() - milliseconds
		let count = 0
		for (const { began } of this.#leases.values()) {
			if (began > before) break
			count++
		}
		return count
	}

	/** The size, but where that is `most` or more, without those that have ended without a word. */
	countUpTo(most: number): number {
		if (this.#leases.size >= most) {
			const now = performance.now()
			for (const [lease, { until }] of this.#leases) if (until < now) this.#leases.delete(lease)
		}
		return this.#leases.size
	}
}
