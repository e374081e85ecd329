// Models packed for tests in browsers: two tiny ones of which all is known, and one that is neither text nor batched.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { channelPath } from '../../models/format/layout.ts'
import type { Description } from '../../models/format/manifest.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { filesOf, pixelDescription, textDescription } from '../runtime/tiny.ts'

export interface Models {
	/** What a static host serves. */
	readonly folder: string
	readonly key: SigningKey
	/** For `createRuntime`. */
	readonly trust: string[]
	/** Packs one more model or version. */
	add(description: Description, files?: Record<string, Uint8Array>): Promise<void>
}

/** Packs `tiny-text`, `tiny-pixels` and `ring` into a folder that is gone after the tests of the file. */
export async function packModels(): Promise<Models> {
	const work = await mkdtemp(join(tmpdir(), 'spillway-models-'))
	atEnd(() => rm(work, { recursive: true }))
	const key = await generateSigningKey()
	const folder = join(work, 'models')
	const models: Models = {
		folder,
		key,
		trust: [key.x],
		async add(description, files = filesOf(description)) {
			const source = join(work, `${description.model}-${description.version}`)
			await mkdir(source, { recursive: true })
			await writeFile(join(source, 'model.json'), JSON.stringify(description))
			for (const [name, bytes] of Object.entries(files)) await writeFile(join(source, name), bytes)
			await pack(source, folder, { key })
		},
	}
	await models.add(textDescription())
	await models.add(pixelDescription())
	await pack(await makeRing(join(work, 'ring')), folder, { key })
	return models
}

/** Puts the shipped model there as the build packed it, for packing takes seconds; it is signed anew by the tests' key. */
export async function addMinilm({ folder, key }: Pick<Models, 'folder' | 'key'>): Promise<void> {
	const packed = join(import.meta.dirname, '../../dist/packed')
	for (const part of ['manifests', 'chunks', 'minilm']) await cp(join(packed, part), join(folder, part), { recursive: true })
	const file = join(folder, channelPath('minilm'))
	const channel = readChannel(await readFile(file, 'utf8'))
	const issued = Math.floor(Date.now() / 1000)
	await writeFile(file, await signChannel({ ...channel, issued, expires: issued + 3600 }, key))
}
