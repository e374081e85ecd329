// The signing key in the state folder: made at the first start. Node only.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readSigningKey } from '../../models/format/key-text.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'

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
		await writeFile(file, `${JSON.stringify(key)}\n`, { flag: 'wx', mode: 0o600 })
		return key
	} catch (error) {
		// Another process was faster: its key is the one.
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readSigningKey((await read(file)) ?? '', file)
		throw error
	}
}

async function read(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
		throw error
	}
}
