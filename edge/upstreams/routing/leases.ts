// Calls under way, counted so that none is counted for ever: on workerd a request whose client leaves is cut off without a word.

/** Milliseconds after its time by which a call must have ended. */
const grace = 1_000

export class Leases<T> {
	readonly #until = new Map<T, number>()

	/** @param remaining milliseconds that the call may take. */
	add(lease: T, remaining: number): void {
		this.#until.set(lease, performance.now() + remaining + grace)
	}

	/** @returns whether it was still counted. */
	end(lease: T): boolean {
		return this.#until.delete(lease)
	}

	get size(): number {
		return this.#until.size
	}

	/** The same, but where that is `most` or more, without those that have ended without a word. */
	countUpTo(most: number): number {
		if (this.#until.size >= most) {
			const now = performance.now()
			for (const [lease, until] of this.#until) if (until < now) this.#until.delete(lease)
		}
		return this.#until.size
	}
}
