// Calls under way, counted so that none is counted for ever: on workerd a request whose client leaves is cut off without a word.

/** Milliseconds after its time by which a call must have ended. */
const grace = 1_000

export class Leases<T> {
	/** In the order in which they began. */
	readonly #leases = new Map<T, { readonly began: number; readonly until: number }>()

	/** @param remaining milliseconds that the call may take. */
	add(lease: T, remaining: number): void {
		const began = performance.now()
		this.#leases.set(lease, { began, until: began + remaining + grace })
	}

	/** @returns whether it was still counted. */
	end(lease: T): boolean {
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
