// The signing key in the state folder: made at the first start. Node only.

import { constants, copyFile, link, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readSigningKey } from '../../models/format/key-text.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { writeWhole } from '../platform/node/write-whole.ts'

/**
 * Reads the key, or makes one and writes it, readable by its owner alone.
 *
 * @param file e.g. `.spillway/signing-key.json`.
 * @throws SpillwayError `malformed` when the file holds no such key.
 */
export async function keyFile(file: string): Promise<SigningKey> {
	const there = await read(file)
	if (there !== null) return readSigningKey(there, file)
	const key = await generateSigningKey()
	await mkdir(dirname(file), { recursive: true, mode: 0o700 })
	try {
		// Workers that start together must not read each other's half, nor replace it.
		await writeWhole(file, `${JSON.stringify(key)}\n`, { mode: 0o600, place: placeFirst })
		return key
	} catch (error) {
		// Another process was faster: its key is the one.
		if (isThere(error)) return readSigningKey((await read(file)) ?? '', file)
		throw error
	}
}

/** @throws an error with the code `EEXIST` when there is one already. */
const placeFirst = (temporary: string, file: string): Promise<void> =>
	link(temporary, file).catch((error) => {
		if (isThere(error)) throw error
		// Some network file systems have no links.
		return copyFile(temporary, file, constants.COPYFILE_EXCL)
	})

const isThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST'

async function read(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
		throw error
	}
}
