// Which keys a model must be signed by: given by the application, or asked of the edge and remembered.

import { isTrustKey } from '../../models/format/keys.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { type FetchOptions, fetchBytes } from './fetch.ts'
import type { Records } from './storage/storage.ts'

/** Public keys that channels must be signed by; a signature by one of them is enough. */
export type Trust =
	/** Raw Ed25519 public keys in base64url. */
	| { keys: readonly string[] }
	/** Address of a JSON Web Key set; what it says is remembered for starts without a network. */
	| { jwks: string }

/** Bytes that a channel may have, or a set of keys. */
export const mostSigned = 256 * 2 ** 10

/**
 * The keys that are trusted now.
 *
 * @throws SpillwayError those of `fetchBytes`, `malformed`: when the address of the keys gives none, and never has.
 */
export async function trustedKeys(trust: Trust, records: Records, options: Omit<FetchOptions, 'what'>): Promise<readonly string[]> {
	if ('keys' in trust) return trust.keys
	const record = `keys ${trust.jwks}`
	try {
		const keys = await fetchKeys(trust.jwks, options)
		await records.set(record, keys)
		return keys
	} catch (error) {
		const remembered = await records.get<string[]>(record)
		if (remembered && !options.signal.aborted) return remembered
		throw error
	}
}

/** Ed25519 keys of a JSON Web Key Set; others are passed over. */
async function fetchKeys(url: string, options: Omit<FetchOptions, 'what'>): Promise<string[]> {
	const { bytes, type } = await fetchBytes(new URL(url), { ...options, most: mostSigned, what: 'the trust keys' })
	let set: { keys?: unknown }
	try {
		set = JSON.parse(new TextDecoder().decode(bytes))
	} catch (cause) {
		throw new SpillwayError('malformed', `${url} is no JSON Web Key Set (${type}): ${messageOf(cause)}`, { cause })
	}
	const keys = (Array.isArray(set?.keys) ? set.keys : []).map((key) => key?.crv === 'Ed25519' && key.x).filter(isTrustKey)
	if (keys.length === 0) throw new SpillwayError('malformed', `${url} holds no Ed25519 key`)
	return keys
}
