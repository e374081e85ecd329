// What the tests of packing pack: the ring, a model with weights outside of its graph, as it is or changed.

import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { makeRing } from '../fixtures/ring/make.ts'

export const now = Date.UTC(2030, 0, 1)
export let key: SigningKey
/** A folder for the file's tests. */
export let scratch: string
/** The ring's folder. */
export let ring: string

beforeAll(async () => {
	key = await generateSigningKey()
	scratch = await mkdtemp(join(tmpdir(), 'spillway-pack-'))
	ring = await makeRing(join(scratch, 'ring'))
})
afterAll(() => rm(scratch, { recursive: true }))

let folders = 0
/** A folder that is not there yet. */
export const fresh = (): string => join(scratch, `out-${folders++}`)

/** Every file below a folder, by path. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true })
	const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
	return Object.fromEntries(
		await Promise.all(files.sort().map(async (file) => [file.slice(folder.length + 1), await digestOf(await readFile(file))])),
	)
}

/** A copy of the ring's folder with a changed model.json. */
export async function changed(change: (description: Any) => void): Promise<string> {
	const folder = fresh()
	await mkdir(folder)
	for (const name of await readdir(ring)) await copyFile(join(ring, name), join(folder, name))
	const description = JSON.parse(await readFile(join(ring, 'model.json'), 'utf8'))
	change(description)
	await writeFile(join(folder, 'model.json'), JSON.stringify(description))
	return folder
}

// biome-ignore lint/suspicious/noExplicitAny: the tests break the types on purpose
export type Any = any
