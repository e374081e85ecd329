// API keys: how they are made, and the hash that a configuration holds in their place.

import { hexOf } from '../../runtime/core/hex.ts'

export type KeyKind = 'secret' | 'publishable'

const prefixes: Record<KeyKind, string> = { secret: 'sk_', publishable: 'pk_' }

/**
 * A new key with 256 random bits, so that a plain SHA-256 keeps it safe: there is nothing to guess.
 * @returns the key, to be shown once, and the hash for the configuration.
 */
export async function newKey(kind: KeyKind): Promise<{ key: string; hash: string }> {
	const random = crypto.getRandomValues(new Uint8Array(32))
	const key =
		prefixes[kind] +
		btoa(String.fromCharCode(...random))
			.replaceAll('+', '-')
			.replaceAll('/', '_')
			.replace('=', '')
	return { key, hash: await hashKey(key) }
}

/** SHA-256 in lower-case hexadecimal. */
export async function hashKey(key: string): Promise<string> {
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
	return hexOf(new Uint8Array(digest))
}
