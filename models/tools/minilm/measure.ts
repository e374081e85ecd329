// How far vectors are from the fp32 model's, whether they depend on the batch, and how fast they come.

import { padded } from './batch.ts'
import type { Session } from './sessions.ts'

/** The token ids of a text. */
export type TokenIds = readonly number[]

/** Vectors against those of the fp32 model. */
export interface Likeness {
	readonly cosineMean: number
	readonly cosineMin: number
	/** Share of texts whose nearest other text is the same. */
	readonly sameNeighbour: number
}

/** The vector of each text, computed alone. */
export async function embedAlone(session: Session, texts: readonly TokenIds[]): Promise<Float32Array[]> {
	const vectors: Float32Array[] = []
	for (const ids of texts) vectors.push(await session.embed(padded([ids])))
	return vectors
}

/**
 * Compares vectors of length 1, text by text.
 *
 * @param vectors of the model in question
 * @param reference of the fp32 model, in the same order
 */
export function likeness(vectors: readonly Float32Array[], reference: readonly Float32Array[]): Likeness {
	const cosines = vectors.map((vector, i) => dot(vector, reference[i] as Float32Array))
	const same = vectors.filter((_, i) => nearest(vectors, i) === nearest(reference, i))
	return {
		cosineMean: cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length,
		cosineMin: Math.min(...cosines),
		sameNeighbour: same.length / vectors.length,
	}
}

/**
 * Largest difference of any element between the vector of a text alone and in a padded batch.
 *
 * @param alone vectors from {@link embedAlone} on the same session
 */
export async function batchDifference(
	session: Session,
	texts: readonly TokenIds[],
	alone: readonly Float32Array[],
	batchSize = 16,
): Promise<number> {
	let largest = 0
	for (let start = 0; start < texts.length; start += batchSize) {
		const batch = texts.slice(start, start + batchSize)
		const together = rowsOf(await session.embed(padded(batch)), batch.length)
		together.forEach((vector, row) => {
			largest = Math.max(largest, largestDifference(vector, alone[start + row] as Float32Array))
		})
	}
	return largest
}

/**
 * Texts per second: the best of several rounds, because other work on the machine can only slow one down.
 *
 * @param options.tokens length of each text
 * @param options.batch texts per call
 * @param options.milliseconds of each round
 */
export async function speed(session: Session, options: { tokens: number; batch: number; milliseconds: number }): Promise<number> {
	const text = Array.from({ length: options.tokens }, (_, i) => 2000 + 37 * i)
	const batch = padded(Array.from({ length: options.batch }, () => text))
	let best = 0
	for (let round = 0; round < 4; round++) {
		const start = performance.now()
		let texts = 0
		while (performance.now() - start < options.milliseconds) {
			await session.run(batch)
			texts += options.batch
		}
		best = Math.max(best, (texts * 1000) / (performance.now() - start))
	}
	return best
}

/** Cuts the rows of a matrix apart. */
export function rowsOf(values: Float32Array, rows: number): Float32Array[] {
	const width = values.length / rows
	return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width))
}

/** Largest absolute difference of any element. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
	return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0)
}

/** The cosine, for vectors of length 1. */
export function dot(a: Float32Array, b: Float32Array): number {
	return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
}

function nearest(vectors: readonly Float32Array[], to: number): number {
	let best = -1
	let bestCosine = Number.NEGATIVE_INFINITY
	vectors.forEach((vector, i) => {
		if (i === to) return
		const cosine = dot(vector, vectors[to] as Float32Array)
		if (cosine > bestCosine) [best, bestCosine] = [i, cosine]
	})
	return best
}
