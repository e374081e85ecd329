// What each page under measurement offers to the driver, and how it is timed there, in the page's own clock.

import { checkVectors } from './check.ts'

export interface Contender {
	/** Loads everything there is to load, and embeds one text. */
	one(text: string): Promise<Float32Array>
	/** One call with all texts. */
	all(texts: string[]): Promise<Float32Array[]>
	/** For one that finds out by itself how to be fast: whether it has measured, and has all its workers. */
	standing?(): Promise<Standing>
	/** Gives back what can be given back. */
	dispose(): Promise<void>
	/** Smallest cosine to the vectors of sentence-transformers that its graph is good for. */
	readonly cosine: number
}

export interface Standing {
	measured: boolean
	grown: boolean
	/** For people. */
	what: string
}

export interface Burst {
	/** Sentences per second. */
	rate: number
	/** Milliseconds from the first call to each answer, in the order of the texts. */
	latencies: number[]
}

declare global {
	interface Window {
		contender: Contender
		bench: typeof bench
	}
}

/** What the driver calls. All of it throws when a vector is wrong. */
const bench = {
	/** Milliseconds from the page's own start to its first vector. */
	async first(text: string): Promise<number> {
		const vector = await window.contender.one(text)
		const time = performance.now()
		// The reference is not fetched here: its bytes would count.
		if (!(Math.abs(Math.hypot(...vector) - 1) < 1e-3)) throw new Error('the first vector is not normalised')
		return time
	},
	/** One call for each text, all at once. */
	async burst(texts: string[]): Promise<Burst> {
		const latencies: number[] = []
		const start = performance.now()
		const vectors = await Promise.all(
			texts.map(async (text, index) => {
				const vector = await window.contender.one(text)
				latencies[index] = performance.now() - start
				return vector
			}),
		)
		const rate = (texts.length * 1000) / (performance.now() - start)
		await checkVectors(texts, vectors, window.contender.cosine)
		return { rate, latencies }
	},
	/** One call with all texts: sentences per second. */
	async array(texts: string[]): Promise<number> {
		const start = performance.now()
		const vectors = await window.contender.all(texts)
		const rate = (texts.length * 1000) / (performance.now() - start)
		await checkVectors(texts, vectors, window.contender.cosine)
		return rate
	},
	/** A call on its own, in milliseconds. */
	async lone(text: string): Promise<number> {
		const start = performance.now()
		const vector = await window.contender.one(text)
		const time = performance.now() - start
		await checkVectors([text], [vector], window.contender.cosine)
		return time
	},
}

export function offer(contender: Contender): void {
	window.contender = contender
	window.bench = bench
}
