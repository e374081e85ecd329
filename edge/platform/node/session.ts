// A model in this process, on ONNX Runtime's native CPU provider.

import { join } from 'node:path'
import type { Graph } from '../../../models/format/manifest.ts'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { checked } from '../../../runtime/session/checked.ts'
import type { Ort } from '../../../runtime/session/ort.ts'
import { createSession } from '../../../runtime/session/session.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { readTokenizer } from '../../catalog/model-file.ts'
import type { ModelConfig } from '../../config/schema.ts'
import { bytesOf, type Version } from '../../versions/serving.ts'
import { composed } from '../composed.ts'
import { assembled, forgetOthers } from './assembled.ts'

export interface NodeSessionOptions {
	catalog: Catalog
	/** Folder for files that are put together from chunks. */
	cache: string
	/** The executor's name in provenance. Default: `edge`. */
	name?: string
	/** Told the bytes that the session will take, before they are taken. */
	reserve?(bytes: number): Promise<void>
}

/** What is needed of a version to load it. */
export interface Loadable extends Pick<Version, 'manifest' | 'digest' | 'variant'> {
	readonly config: Pick<ModelConfig, 'tokensPerRun' | 'rowsPerRun' | 'batchWait' | 'threads' | 'memory'>
	/** Digests of the versions whose files stay in the cache. Default: this one's. */
	wanted?(): readonly string[]
}

/**
 * Loads a version: files into the cache, session, golden samples.
 *
 * @throws SpillwayError `environment` without onnxruntime-node, `golden-mismatch`, `integrity`, `not-found`, `unsupported`.
 */
export async function nodeSession(version: Loadable, { catalog, cache, name = 'edge', reserve }: NodeSessionOptions): Promise<Executor> {
	const { manifest, digest, variant, config } = version
	await reserve?.(bytesOf(version, 'cpu'))
	const ort = await importOrt()
	const graph = manifest.variants[variant]?.graphs.cpu as Graph
	const folder = await assembled({ catalog, manifest, digest, names: [graph.file, ...graph.external], cache })
	const session = await createSession({
		ort,
		graph: join(folder, graph.file),
		manifest,
		digest,
		variant,
		provider: 'cpu',
		name,
		options: {
			...(config.threads !== undefined && { intraOpNumThreads: config.threads }),
			// On x64 without VNNI, 8-bit products overflow their 16-bit sums (onnxruntime issue 6004): on an emulated Haswell the shipped model's
			// golden samples fall to a cosine of 0.991 without this and keep 0.9999 with it. Elsewhere it changes nothing, and costs nothing.
			extra: { session: { x64quantprecision: '1' } },
		},
	})
	const executor = await checked(session, { manifest, variant, provider: 'cpu' })
	const tokenizer = manifest.task ? await readTokenizer(catalog, manifest) : undefined
	// Old versions only take up room; that they cannot be removed is no reason not to serve.
	await forgetOthers(cache, manifest.model, version.wanted?.() ?? [digest]).catch((error) =>
		console.error(`${manifest.model}: ${messageOf(error)}`),
	)
	return composed(executor, { manifest, tokenizer, tokensPerRun: config.tokensPerRun, config })
}

async function importOrt(): Promise<Ort> {
	try {
		const module = await import('onnxruntime-node')
		return module.default
	} catch (cause) {
		throw new SpillwayError(
			'environment',
			`onnxruntime-node cannot be loaded (${messageOf(cause)}): npm install onnxruntime-node@1.30, or set "inProcess": false for every model`,
			{ cause },
		)
	}
}
