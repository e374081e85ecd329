// How much memory a session worker takes: what is expected before it is started, and what its WebAssembly memory does not tell.

import type { Graph, Manifest, Provider } from '../../models/format/manifest.ts'

const MB = 1e6

/** WebAssembly memory of ONNX Runtime without a model. */
const runtime = 17 * MB
/** What a model of any size computes in. */
const scratch = 8 * MB
/** A worker with its scripts and a tokenizer, beside its WebAssembly memory. */
const worker = 10 * MB
/** One more thread of ONNX Runtime's. */
const thread = 4 * MB

export interface Footprint {
	/** Bytes at most while it starts: the weights are there twice then, as they came and in WebAssembly memory. */
	readonly start: number
	/** Bytes beside its WebAssembly memory, which the worker itself tells. */
	readonly beside: number
}

export interface FootprintOptions {
	manifest: Pick<Manifest, 'files'>
	graph: Pick<Graph, 'file' | 'external'>
	provider: Provider
	threads?: number
}

export function footprintOf({ manifest, graph, provider, threads = 1 }: FootprintOptions): Footprint {
	const weights = [graph.file, ...graph.external].reduce((sum, name) => sum + (manifest.files[name]?.size ?? 0), 0)
	// A GPU holds the weights once more; on phones that is the same memory.
	const beside = worker + (threads - 1) * thread + (provider === 'wasm' ? 0 : weights)
	return { start: runtime + scratch + 2 * weights + beside, beside }
}
