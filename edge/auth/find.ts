// Which configured key a request shows.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { KeyConfig } from '../config/schema.ts'
import { hashKey } from './key.ts'

/**
 * The configured key that is meant.
 * @param shown as the request shows it: see {@link shownKey}.
 * @throws SpillwayError `unauthenticated` when there is none, or one that is not known.
 */
export async function findKey(shown: string | undefined, keys: readonly KeyConfig[]): Promise<KeyConfig> {
	if (!shown) throw new SpillwayError('unauthenticated', 'no API key; send it as "Authorization: Bearer <key>" or "x-api-key: <key>"')
	const hash = await hashKey(shown)
	let found: KeyConfig | undefined
	// Every hash is compared to its end: the time taken tells nothing about any of them.
	for (const key of keys) if (sameHash(key.hash, hash)) found = key
	if (!found) throw new SpillwayError('unauthenticated', 'this API key is not known here')
	return found
}

/** The key in `Authorization: Bearer …`, `x-api-key`, or where AWS's clients put the session token of their credentials. */
export function shownKey(request: Request): string | undefined {
	const bearer = request.headers.get('authorization')?.match(/^Bearer +(\S+) *$/i)?.[1]
	return bearer ?? (request.headers.get('x-api-key')?.trim() || request.headers.get('x-amz-security-token')?.trim() || undefined)
}

/** Both are 64 characters. */
function sameHash(a: string, b: string): boolean {
	let difference = a.length ^ b.length
	for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
	return difference === 0
}
