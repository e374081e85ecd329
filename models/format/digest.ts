// SHA-256, the name of every immutable thing: in a page, a worker, workerd and Node alike.

import { SpillwayError } from '../../runtime/core/error.ts'
import { hexOf } from '../../runtime/core/hex.ts'

/**
 * SHA-256 of `bytes` in lower-case hexadecimal.
 *
 * @throws SpillwayError `environment` in a page that is no secure context (there is no `crypto.subtle`).
 * @example (await digestOf(new Uint8Array())) === 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
 */
export async function digestOf(bytes: Uint8Array): Promise<string> {
	const subtle = globalThis.crypto?.subtle
	if (!subtle)
		throw new SpillwayError(
			'environment',
			'bytes cannot be verified here: serve the page over HTTPS or from localhost (crypto.subtle is missing)',
		)
	// SubtleCrypto takes no view of shared memory, and nothing here lives in shared memory.
	const hash = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
	return hexOf(new Uint8Array(hash))
}

/**
 * Throws unless `bytes` are those that were named.
 *
 * @param what names the bytes in the message, e.g. `'chunk 2 of weights.bin'`.
 * @param expected the digest they are named by and, where known, their size in bytes.
 * @throws SpillwayError `integrity` with both figures.
 */
export async function checkDigest(what: string, bytes: Uint8Array, expected: { digest: string; size?: number | undefined }): Promise<void> {
	if (expected.size !== undefined && bytes.byteLength !== expected.size)
		throw new SpillwayError('integrity', `${what}: has ${bytes.byteLength} bytes, should have ${expected.size}`)
	const digest = await digestOf(bytes)
	if (digest !== expected.digest) throw new SpillwayError('integrity', `${what}: its SHA-256 is ${digest}, should be ${expected.digest}`)
}
