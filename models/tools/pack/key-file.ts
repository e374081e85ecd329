// Signing keys in files: a JSON Web Key as keygen writes it, or PEM as OpenSSL writes it.

import { readFile, writeFile } from 'node:fs/promises'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { readSigningKey } from '../../format/key-text.ts'
import { generateSigningKey, type SigningKey } from '../../format/keys.ts'

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
	return readSigningKey(text, file)
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
