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
	const ring = ringOf(keys)
	const known = ring.shown.get(shown)
	if (known) return known
	const found = ring.byHash.get(await hashKey(shown))
	if (!found) throw new SpillwayError('unauthenticated', 'this API key is not known here')
	ring.shown.set(shown, found)
	return found
}

interface Ring {
	/** Found by a digest: how long that takes tells nothing about the keys that have others. */
	readonly byHash: ReadonlyMap<string, KeyConfig>
	/** Those that were shown before, as they were shown; as many at most as there are. Hashing takes longer than all the rest of the check. */
	readonly shown: Map<string, KeyConfig>
}

const rings = new WeakMap<readonly KeyConfig[], Ring>()

function ringOf(keys: readonly KeyConfig[]): Ring {
	const ring = rings.get(keys) ?? { byHash: new Map(keys.map((key) => [key.hash, key])), shown: new Map() }
	rings.set(keys, ring)
	return ring
}

/** The key in `Authorization: Bearer …`, `x-api-key`, or where AWS's clients put the session token of their credentials. */
export function shownKey(request: Request): string | undefined {
	const bearer = request.headers.get('authorization')?.match(/^Bearer +(\S+) *$/i)?.[1]
	return bearer ?? (request.headers.get('x-api-key')?.trim() || request.headers.get('x-amz-security-token')?.trim() || undefined)
}
