// Which of a model's graphs runs here.

import type { Graph, Manifest, Provider } from '../../models/format/manifest.ts'
import { SpillwayError } from '../core/error.ts'

export interface Choice {
	variant: string
	provider: Provider
	graph: Graph
	/** The files that this graph needs, the tokenizer included. */
	files: string[]
}

/** The first variant with a graph for WebAssembly. @throws SpillwayError `unsupported` when there is none. */
export function choose(manifest: Manifest): Choice {
	for (const [variant, { graphs }] of Object.entries(manifest.variants)) {
		const graph = graphs.wasm
		if (!graph) continue
		const tokenizer = manifest.task ? [manifest.task.tokenizer] : []
		return { variant, provider: 'wasm', graph, files: [graph.file, ...graph.external, ...tokenizer] }
	}
	throw new SpillwayError('unsupported', `${manifest.model} ${manifest.version} has no graph for browsers`)
}
