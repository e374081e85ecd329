// A signing key as text, from a file or a secret: a JSON Web Key as `spillway keygen` writes it, or PEM as OpenSSL does.

import { exportJWK, importPKCS8 } from 'jose'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { type SigningKey, signingKey } from './keys.ts'

/**
 * Reads an Ed25519 private key: JSON Web Key, or unencrypted PKCS #8 in PEM (`openssl genpkey -algorithm ed25519`).
 *
 * @param where names the text in messages, e.g. `SPILLWAY_SIGNING_KEY`.
 * @throws SpillwayError `malformed`; the message never shows the secret.
 */
export async function readSigningKey(text: string, where: string): Promise<SigningKey> {
	let jwk: unknown
	try {
		jwk = text.trimStart().startsWith('-----BEGIN')
			? await exportJWK(await importPKCS8(text.trim(), 'EdDSA', { extractable: true }))
			: JSON.parse(text)
	} catch {
		// JSON.parse quotes the text in its message, and here that is a secret: no cause is handed on.
		throw new SpillwayError('malformed', `${where} is neither a JSON Web Key nor an unencrypted Ed25519 private key in PEM`)
	}
	try {
		return await signingKey(jwk)
	} catch (error) {
		throw new SpillwayError('malformed', `${where} ${messageOf(error)}`)
	}
}
