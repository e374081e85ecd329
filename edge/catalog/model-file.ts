// A model's tokenizer, read from the catalogue.

import { assembleFile } from '../../models/format/assemble.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { createTokenizer, type Tokenizer } from '../../runtime/tasks/tokenizer.ts'
import type { Catalog } from './catalog.ts'

/** Reads one file of a model, verified. @throws SpillwayError `not-found`, `integrity`. */
export const readModelFile = (catalog: Catalog, manifest: Manifest, name: string): Promise<Uint8Array<ArrayBuffer>> =>
	assembleFile(manifest, name, async ({ digest }) => {
		const bytes = await catalog.chunk(digest)
		if (!bytes) throw new SpillwayError('not-found', `chunk ${digest} of ${name} is missing from the catalogue`)
		return bytes
	})

/** @throws SpillwayError `unsupported` for a model without a task; as `readModelFile`. */
export async function readTokenizer(catalog: Catalog, manifest: Manifest): Promise<Tokenizer> {
	const { task } = manifest
	if (!task) throw new SpillwayError('unsupported', `${manifest.model} has no task, and so no tokenizer`)
	return createTokenizer(await readModelFile(catalog, manifest, task.tokenizer), task.maxTokens)
}
