// The keys of a channel: Ed25519, private as a JSON Web Key, public as 43 characters that a page is given to trust.

import { decode, encode } from 'jose/base64url'
import { SpillwayError } from '../../runtime/core/error.ts'
import { digestOf } from './digest.ts'

/**
 * A private key as a JSON Web Key (RFC 8037); `x` is also its trust key. Other members are ignored.
 * @see https://www.rfc-editor.org/rfc/rfc8037
 */
export interface SigningKey {
	readonly kty: 'OKP'
	readonly crv: 'Ed25519'
	/** Public key, base64url. */
	readonly x: string
	/** Private key, base64url. Secret. */
	readonly d: string
}

/** A public key as it stands in a JSON Web Key Set. */
export interface PublicKey {
	readonly kty: 'OKP'
	readonly crv: 'Ed25519'
	readonly x: string
	readonly kid: string
	readonly alg: 'EdDSA'
	readonly use: 'sig'
}

/** The raw 32 bytes, or `null` for anything else, other spellings of the same bytes included. */
function rawKey(text: unknown): Uint8Array | null {
	if (typeof text !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(text)) return null
	const raw = decode(text)
	return encode(raw) === text ? raw : null
}

/** Whether `text` is a trust key: a raw Ed25519 public key in base64url, 43 characters. */
export const isTrustKey = (text: unknown): text is string => rawKey(text) !== null

/**
 * Throws unless `text` is a trust key.
 * @throws SpillwayError `malformed`
 */
export function checkTrustKey(text: unknown): asserts text is string {
	if (!isTrustKey(text))
		throw new SpillwayError(
			'malformed',
			`${JSON.stringify(text)} is no trust key: give an Ed25519 public key, 32 bytes, as base64url (43 characters)`,
		)
}

/** Short name of a key: the first 16 hexadecimal digits of the SHA-256 of the raw public key. */
export async function kidOf(trustKey: string): Promise<string> {
	checkTrustKey(trustKey)
	return (await digestOf(rawKey(trustKey) as Uint8Array)).slice(0, 16)
}

/** A trust key as a JSON Web Key, for `/.well-known/jwks.json`. */
export async function publicKey(trustKey: string): Promise<PublicKey> {
	return { kty: 'OKP', crv: 'Ed25519', x: trustKey, kid: await kidOf(trustKey), alg: 'EdDSA', use: 'sig' }
}

/** The trust keys of a JSON Web Key Set; keys of other kinds are passed over. @throws SpillwayError `malformed` for anything else. */
export function trustKeysOf(jwks: unknown): string[] {
	const keys = (jwks as { keys?: unknown } | null)?.keys
	if (!Array.isArray(keys)) throw new SpillwayError('malformed', 'is no JSON Web Key Set: it has no "keys"')
	return keys.filter((key) => key?.kty === 'OKP' && key.crv === 'Ed25519' && isTrustKey(key.x)).map((key) => key.x as string)
}

/**
 * Checks a private key that came from outside: the form of `x` and `d`, and that they belong together.
 *
 * @throws SpillwayError `malformed` with what is wrong; never with the key itself.
 */
export async function signingKey(jwk: unknown): Promise<SigningKey> {
	const refuse = (why: string, cause?: unknown) =>
		new SpillwayError('malformed', `is no Ed25519 private key as a JSON Web Key: ${why}`, cause === undefined ? {} : { cause })
	const { kty, crv, x, d } = (jwk ?? {}) as Record<string, unknown>
	if (kty !== 'OKP' || crv !== 'Ed25519') throw refuse('"kty" must be "OKP" and "crv" "Ed25519"')
	if (!isTrustKey(x)) throw refuse('"x", the public key, must be 32 bytes as base64url')
	if (!isTrustKey(d)) throw refuse('"d", the private key, must be 32 bytes as base64url')
	const key: SigningKey = { kty, crv, x, d }
	let pair: [CryptoKey, CryptoKey]
	try {
		pair = await Promise.all([
			crypto.subtle.importKey('jwk', { ...key }, 'Ed25519', false, ['sign']),
			crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify']),
		])
	} catch (cause) {
		throw refuse('it cannot be imported', cause)
	}
	// Some platforms import a pair whose halves do not belong together.
	const probe = new TextEncoder().encode('spillway')
	const signature = await crypto.subtle.sign('Ed25519', pair[0], probe)
	if (!(await crypto.subtle.verify('Ed25519', pair[1], signature, probe))) throw refuse('"x" is not the public key of "d"')
	return key
}

/** Makes a new signing key. */
export async function generateSigningKey(): Promise<SigningKey> {
	const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
	const { x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey)
	return { kty: 'OKP', crv: 'Ed25519', x: x as string, d: d as string }
}
