// The signing key in the state folder: made at the first start. Node only.

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
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
	const text = `${JSON.stringify(key)}\n`
	const own = `${file}.${crypto.randomUUID()}`
	try {
		await writeFile(own, text, { mode: 0o600 })
		// It is there whole or not at all: workers that start together would read each other's half.
		await link(own, file).catch((error) => {
			if (isThere(error)) throw error
			// Some network file systems have no links.
			return writeFile(file, text, { flag: 'wx', mode: 0o600 })
		})
		return key
	} catch (error) {
		// Another process was faster: its key is the one.
		if (isThere(error)) return readSigningKey((await read(file)) ?? '', file)
		throw error
	} finally {
		await rm(own, { force: true })
	}
}

const isThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST'

async function read(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8')
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
		throw error
	}
}
