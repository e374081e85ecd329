// A model's files as plain files: onnxruntime-node reads external data from the folder of the graph.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Manifest, ModelFile } from '../../../models/format/manifest.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { readModelFile } from '../../catalog/model-file.ts'
import { writeWhole } from './write-whole.ts'

export interface AssembledOptions {
	catalog: Catalog
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	/** Files that are wanted. */
	names: readonly string[]
	/** Folder for the files of all models; this version's go into `<model>/<digest>/`. */
	cache: string
}

/**
 * Puts files together from their chunks, unless they are there and have their digest: hashing 24 MB takes some 20 ms, less than any doubt
 * is worth. Each file appears whole (renamed into place) or not at all, so that processes may share the folder.
 *
 * @returns the folder.
 * @throws SpillwayError `not-found`, `integrity`.
 */
export async function assembled({ catalog, manifest, digest, names, cache }: AssembledOptions): Promise<string> {
	const folder = join(cache, manifest.model, digest)
	await mkdir(folder, { recursive: true })
	// It is in use from now on: see `forgetOthers`. Who does not own the folder cannot say so, and what is new in it says it, too.
	const now = new Date()
	await utimes(folder, now, now).catch(() => {})
	for (const name of names) {
		const path = join(folder, name)
		const file = manifest.files[name]
		if (file && (await isWhole(path, file))) continue
		await writeWhole(path, await readModelFile(catalog, manifest, name))
	}
	return folder
}

/** Milliseconds in which a version that was asked for has been loaded, by whichever process: from then on its files are not needed. */
const loading = 10 * 60_000

/** Deletes the files of all versions of the model but those of these digests, and those that another process may be about to load. */
export async function forgetOthers(cache: string, model: string, digests: readonly string[]): Promise<void> {
	const folder = join(cache, model)
	const others = (await readdir(folder)).filter((name) => !digests.includes(name))
	await Promise.all(
		others.map(async (name) => {
			const path = join(folder, name)
			const { mtimeMs } = await stat(path)
			if (Date.now() - mtimeMs > loading) await rm(path, { recursive: true, force: true })
		}),
	)
}

async function isWhole(path: string, { size, digest }: ModelFile): Promise<boolean> {
	const found = await stat(path).catch(() => null)
	if (found?.size !== size) return false
	const hash = createHash('sha256')
	await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
	return hash.digest('hex') === digest
}
