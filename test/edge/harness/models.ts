// Packed models for the edges under test.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateSigningKey, type SigningKey } from '../../../models/format/keys.ts'
import type { Description } from '../../../models/format/manifest.ts'
import { type Packed, pack } from '../../../models/tools/pack/pack.ts'

/** The model that ships with the repository. */
export const minilmSource = fileURLToPath(new URL('../../../models/minilm', import.meta.url))

export interface PackedFolder {
	/** The models address, as a folder. */
	readonly folder: string
	/** Whose signature is on the packed channels. */
	readonly key: SigningKey
	/** By name. */
	readonly models: Readonly<Record<string, Packed>>
	remove(): Promise<void>
}

/** A model in memory, or the folder that it is in. */
export type Source = string | { description: Description; files: Record<string, Uint8Array> }

/** Packs models into a fresh folder. */
export async function packModels(sources: readonly Source[]): Promise<PackedFolder> {
	const base = await mkdtemp(join(tmpdir(), 'spillway-models-'))
	const folder = join(base, 'packed')
	const key = await generateSigningKey()
	const models: Record<string, Packed> = {}
	for (const [index, source] of sources.entries()) {
		const made = await pack(typeof source === 'string' ? source : await writeSource(join(base, `source-${index}`), source), folder, { key })
		models[made.model] = made
	}
	return { folder, key, models, remove: () => rm(base, { recursive: true, force: true }) }
}

/** Writes a model that is in memory as a folder for the packer. @returns the folder. */
export async function writeSource(folder: string, { description, files }: Exclude<Source, string>): Promise<string> {
	await mkdir(folder, { recursive: true })
	await writeFile(join(folder, 'model.json'), JSON.stringify(description))
	for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
	return folder
}
