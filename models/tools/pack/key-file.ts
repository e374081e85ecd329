// Signing keys in files: a JSON Web Key as keygen writes it, or PEM as OpenSSL writes it.

import { createPrivateKey } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { generateSigningKey, type SigningKey, signingKey } from '../../format/keys.ts'

/**
 * Reads an Ed25519 private key: JSON Web Key, or PKCS #8 in PEM (`openssl genpkey -algorithm ed25519`).
 *
 * @throws SpillwayError `not-found` or `malformed`; neither shows the file's content.
 */
export async function readKeyFile(file: string): Promise<SigningKey> {
	let text: string
	try {
		text = await readFile(file, 'utf8')
	} catch (cause) {
		throw new SpillwayError('not-found', `the key file cannot be read: ${messageOf(cause)}`, { cause })
	}
	let jwk: unknown
	try {
		jwk = text.trimStart().startsWith('-----BEGIN') ? createPrivateKey(text).export({ format: 'jwk' }) : JSON.parse(text)
	} catch {
		// JSON.parse quotes the text in its message, and here that is a secret: no cause is handed on.
		throw new SpillwayError('malformed', `${file} is neither a JSON Web Key nor an unencrypted private key in PEM`)
	}
	try {
		return await signingKey(jwk)
	} catch (error) {
		throw new SpillwayError('malformed', `${file} ${messageOf(error)}`)
	}
}

/**
 * Makes a key and writes it, readable by its owner alone. A file that is there is never overwritten.
 *
 * @throws SpillwayError `malformed` when the file is there already.
 */
export async function writeNewKeyFile(file: string): Promise<SigningKey> {
	const key = await generateSigningKey()
	try {
		await writeFile(file, `${JSON.stringify(key)}\n`, { flag: 'wx', mode: 0o600 })
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
			throw new SpillwayError('malformed', `${file} is there already; a key is not overwritten`, { cause })
		throw new SpillwayError('not-found', `the key file cannot be written: ${messageOf(cause)}`, { cause })
	}
	return key
}
