// Which help topics are nearest in meaning to a question.

import type { Entry } from './entry.ts'
import { entries } from './topics.ts'

/**
 * Score below which the page says that nothing fits. Measured, see `docs/demo.md`: higher refuses more questions that an entry would
 * answer, lower answers more that none does.
 */
export const threshold = 0.46

export interface Match {
	readonly entry: Entry
	/** Cosine between the question and the entry's nearest wording, -1 to 1. */
	readonly score: number
}

/** All wordings, entry by entry: what is embedded, in this order. */
export const wordings: readonly string[] = entries.flatMap((entry) => [entry.question, ...entry.also])

const owners: readonly Entry[] = entries.flatMap((entry) => [entry, ...entry.also.map(() => entry)])

function dot(a: Float32Array, b: Float32Array): number {
	let sum = 0
	for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number)
	return sum
}

/**
 * The best entries for a question, best first.
 *
 * @param question its vector, of length 1.
 * @param vectors one for each of `wordings`, of length 1 and of the same space as the question's.
 * @param count most entries to return.
 */
export function nearest(question: Float32Array, vectors: readonly Float32Array[], count: number): Match[] {
	const best = new Map<Entry, number>()
	vectors.forEach((vector, index) => {
		const entry = owners[index] as Entry
		best.set(entry, Math.max(best.get(entry) ?? -1, dot(question, vector)))
	})
	return [...best]
		.map(([entry, score]) => ({ entry, score }))
		.sort((a, b) => b.score - a.score)
		.slice(0, count)
}
