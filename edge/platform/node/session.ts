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
import { composed } from '../composed.ts'
import type { Version } from '../served.ts'
import { assembled, forgetOthers } from './assembled.ts'

export interface NodeSessionOptions {
	catalog: Catalog
	/** Folder for files that are put together from chunks. */
	cache: string
	/** The executor's name in provenance. Default: `edge`. */
	name?: string
}

/**
 * Loads a version: files into the cache, session, golden samples.
 *
 * @throws SpillwayError `environment` without onnxruntime-node, `golden-mismatch`, `integrity`, `not-found`, `unsupported`.
 */
export async function nodeSession(version: Version, { catalog, cache, name = 'edge' }: NodeSessionOptions): Promise<Executor> {
	const { manifest, digest, variant, config } = version
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
			// On x64 without VNNI, 8-bit products overflow their 16-bit sums (onnxruntime issue 6004): on an emulated Haswell the shipped model's
			// golden samples fall to a cosine of 0.991 without this and keep 0.9999 with it. Elsewhere it changes nothing, and costs nothing.
			extra: { session: { x64quantprecision: '1' } },
		},
	})
	const executor = await checked(session, { manifest, variant, provider: 'cpu' })
	const tokenizer = manifest.task ? await readTokenizer(catalog, manifest) : undefined
	// Old versions only take up room; that they cannot be removed is no reason not to serve.
	await forgetOthers(cache, manifest.model, digest).catch((error) => console.error(`${manifest.model}: ${messageOf(error)}`))
	return composed(executor, { manifest, tokenizer, tokensPerRun: config.tokensPerRun })
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
