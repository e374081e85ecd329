// The compressed forms beside packed bytes: handed out only when they are known to be those of the bytes that are named.

import { brotliDecompress } from 'node:zlib'
import { digestOf } from '../../models/format/digest.ts'
import { compressedPath } from '../../models/format/layout.ts'
import { messageOf } from '../../runtime/core/error.ts'
import { type Files, readFile } from './files.ts'

/** Bytes that may come out of one: no chunk and no manifest has more. */
const largest = 64 * 1024 * 1024

/**
 * Reads compressed forms. One is unpacked and held against the digest when it is read first; from then on the digest of its own bytes tells.
 *
 * @returns gives brotli's form of the bytes that have `digest` and lie at `path`; `null` where there is none, or a damaged one: the plain bytes do then.
 */
export function compressedForms(files: Files): (path: string, digest: string) => Promise<Uint8Array<ArrayBuffer> | null> {
	/** Digests of forms that are right, by what they stand for. Only settled values: see `createCatalog`. */
	const right = new Map<string, string>()
	const told = new Set<string>()

	return async (path, digest) => {
		const bytes = await readFile(files, compressedPath(path))
		if (!bytes) return null
		const own = await digestOf(bytes)
		if (right.get(digest) === own) return bytes
		try {
			const found = await digestOf(await unpacked(bytes))
			if (found !== digest) throw new Error(`it is the form of bytes whose SHA-256 is ${found}`)
			right.set(digest, own)
			return bytes
		} catch (error) {
			if (!told.has(own)) console.error(`${compressedPath(path)} is damaged, and left aside: ${messageOf(error)}`)
			told.add(own)
			return null
		}
	}
}

const unpacked = (bytes: Uint8Array): Promise<Uint8Array> =>
	new Promise((resolve, reject) => {
		brotliDecompress(bytes, { maxOutputLength: largest }, (error, plain) => (error ? reject(error) : resolve(plain)))
	})
