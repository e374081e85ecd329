// A model inside a Durable Object, on ONNX Runtime Web's WebAssembly.

import * as ort from 'onnxruntime-web/wasm'
import type { Graph, Manifest } from '../../../models/format/manifest.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { checked } from '../../../runtime/session/checked.ts'
import { createSession } from '../../../runtime/session/session.ts'
import { useWasmModule } from '../../../runtime/session/wasm.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { readModelFile, readTokenizer } from '../../catalog/model-file.ts'
import type { ModelConfig } from '../../config/schema.ts'
import { bytesOf } from '../../versions/serving.ts'
import { composed } from '../composed.ts'
import { inTurns } from './turns.ts'

export interface WorkerdSessionOptions {
	catalog: Catalog
	manifest: Manifest
	digest: string
	variant: string
	/** Of `tokensPerRun`, the platform's own limit holds beside it. */
	config: Pick<ModelConfig, 'tokensPerRun' | 'rowsPerRun' | 'batchWait' | 'memory'>
	/** Told the bytes that the session will take, before they are taken. */
	reserve(bytes: number): Promise<void>
	/** ONNX Runtime's compiled WebAssembly: workerd compiles none at run time. */
	wasm: WebAssembly.Module
}

/**
 * An isolate has 128 MB, and WebAssembly's memory never shrinks. Measured with the shipped model: 41 MB loaded, then 49 MB after a run of
 * 256 tokens, 59 after 512, 71 after 1,024 and 123 after 2,048, beside some 20 MB of scripts and tokenizer (and, while it loads, the
 * 24 MB of weights).
 */
export const mostTokensPerRun = 512

/**
 * Loads a version from the catalogue's chunks.
 *
 * @throws SpillwayError `golden-mismatch`, `integrity`, `not-found`, `unsupported`.
 */
export async function workerdSession(options: WorkerdSessionOptions): Promise<Executor> {
	const { catalog, manifest, digest, variant, config, wasm } = options
	await options.reserve(bytesOf(options, 'wasm'))
	const graph = manifest.variants[variant]?.graphs.wasm as Graph
	const tokenizer = manifest.task ? await readTokenizer(catalog, manifest) : undefined
	useOnce(wasm)
	const session = await createSession({
		ort: inTurns(ort),
		graph: await readModelFile(catalog, manifest, graph.file),
		external: await Promise.all(graph.external.map(async (path) => ({ path, data: await readModelFile(catalog, manifest, path) }))),
		manifest,
		digest,
		variant,
		provider: 'wasm',
		name: 'edge',
		// Clocks stand still here while the CPU works.
		clock: null,
	})
	const executor = await checked(session, { manifest, variant, provider: 'wasm' })
	// Rows of several requests share runs: all requests of an object share one context, so a run that one began goes on when its client leaves.
	return composed(executor, {
		manifest,
		tokenizer,
		tokensPerRun: Math.min(config.tokensPerRun, mostTokensPerRun),
		config,
		// A message channel would belong to the isolate, which several objects share.
		soon: (callback) => setTimeout(callback, 0),
	})
}

let used = false

/** Objects that share an isolate share ONNX Runtime, which takes its module once. */
function useOnce(wasm: WebAssembly.Module): void {
	if (!used) useWasmModule(ort.env, wasm)
	used = true
}
