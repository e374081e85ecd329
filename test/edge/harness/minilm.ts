// The shipped model's reference texts, asked of an edge.

import { readFileSync } from 'node:fs'
import type { Executor } from '../../../runtime/core/executor.ts'
import { traceParent } from '../../../runtime/core/trace.ts'
import { edgeExecutor } from '../../../runtime/remote/edge.ts'
import { keys } from '../suites/under-test.ts'

interface Reference {
	text: string
	/** Token ids, cut to 256. */
	ids: number[]
	/** Made by the fp32 model. */
	vector: number[]
}

/** 100 texts with token ids and vectors of the fp32 model. */
export const references = (
	JSON.parse(readFileSync(new URL('../../fixtures/minilm-reference.json', import.meta.url), 'utf8')) as { items: Reference[] }
).items

/** Calls the edge as a page does. */
export const edgeAt = (url: string): Executor => edgeExecutor({ name: 'edge', address: url, key: keys.secret })

export const context = () => ({
	remaining: 60_000,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 0 },
	trace: traceParent(),
})

/** Vectors of texts, in order. */
export async function embed(executor: Executor, input: readonly string[]): Promise<readonly Float32Array[]> {
	const { output } = await executor.infer({ kind: 'task', model: { name: 'minilm' }, task: 'embed', input }, context())
	if (output.kind !== 'embed') throw new Error('no vectors')
	return output.vectors
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
	let [dot, aa, bb] = [0, 0, 0]
	for (let i = 0; i < a.length; i++) {
		const [x, y] = [a[i] as number, b[i] as number]
		dot += x * y
		aa += x * x
		bb += y * y
	}
	return dot / Math.sqrt(aa * bb)
}

/** Smallest and mean cosine, pair by pair. */
export function agreement(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): { mean: number; least: number } {
	const all = a.map((vector, index) => cosine(vector, b[index] as ArrayLike<number>))
	return { mean: all.reduce((sum, one) => sum + one, 0) / all.length, least: Math.min(...all) }
}
