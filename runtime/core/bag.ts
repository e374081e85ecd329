// Things that come and go, in no order.

/** What a thing is taken out by. */
export interface Held<T> {
	readonly thing: T
	place: number
}

/**
 * An array whose gaps are filled from its end. A `Set` that things come to and go from is made anew again and again, and what an old one held,
 * with all that belongs to it, stays in memory until the next full garbage collection.
 *
 * @example const held = bag.put(thing); try { … } finally { bag.take(held) }
 */
export class Bag<T> {
	readonly #all: Held<T>[] = []

	put(thing: T): Held<T> {
		const held = { thing, place: this.#all.length }
		this.#all.push(held)
		return held
	}

	/** @param held is in it; what was taken out already must not be taken again. */
	take(held: Held<T>): void {
		const last = this.#all.pop()
		if (!last || last === held) return
		this.#all[held.place] = last
		last.place = held.place
	}

	/** All that is in it now. */
	get things(): readonly T[] {
		return this.#all.map(({ thing }) => thing)
	}
}
