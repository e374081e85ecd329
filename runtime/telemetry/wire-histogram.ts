// Histograms that can be added: the same bounds in every page and at the edge.

/** Upper bounds in milliseconds: an answer from memory to one that took its whole deadline. */
export const callBounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000] as const

/** Upper bounds in milliseconds: a model from storage to one over a slow line. */
export const loadBounds = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 180_000] as const

/** Upper bounds in rows. */
export const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128] as const

/** How many values fell between two bounds; one count more than bounds, for what is over the last. */
export interface Histogram {
	readonly counts: readonly number[]
	/** Of all values. */
	readonly sum: number
}

export const emptyHistogram = (bounds: readonly number[]): Histogram => ({ counts: new Array(bounds.length + 1).fill(0), sum: 0 })

/** The histogram with one value more: not negative, and finite. */
export function withValue({ counts, sum }: Histogram, bounds: readonly number[], value: number): Histogram {
	const found = bounds.findIndex((bound) => value <= bound)
	return { counts: counts.with(found < 0 ? bounds.length : found, (counts.at(found) ?? 0) + 1), sum: sum + value }
}

/** Both together; of the same bounds. */
export const merged = (a: Histogram, b: Histogram): Histogram => ({
	counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)),
	sum: a.sum + b.sum,
})

/** Number of values. */
export const countOf = ({ counts }: Histogram): number => counts.reduce((sum, count) => sum + count, 0)
