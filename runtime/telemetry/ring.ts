// The last so many of something.

export interface Ring<T> {
	readonly size: number
	/** Adds one; the oldest goes when there is no room. */
	push(item: T): void
	/** All, oldest first; the ring is empty after that. */
	take(): T[]
}

/** @param capacity most items that are kept. */
export function makeRing<T>(capacity: number): Ring<T> {
	let items: T[] = []
	/** Where the oldest is, once the ring is full. */
	let oldest = 0
	return {
		get size() {
			return items.length
		},
		push(item) {
			if (items.length < capacity) {
				items.push(item)
				return
			}
			items[oldest] = item
			oldest = (oldest + 1) % capacity
		},
		take() {
			const all = [...items.slice(oldest), ...items.slice(0, oldest)]
			items = []
			oldest = 0
			return all
		},
	}
}
