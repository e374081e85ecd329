// Bytes in Cache Storage: for browsers without a file system for workers.

import type { Bytes } from './storage.ts'

/** Cache Storage wants http(s) addresses as keys; nothing is ever asked of this one. */
const keyOf = (digest: string): string => `https://spillway.invalid/chunks/${digest}`

/**
 * Opens the cache of this name.
 *
 * @throws DOMException where the browser offers none.
 */
export async function cacheBytes(name: string): Promise<Bytes> {
	// Anew each time: a cache that was deleted meanwhile would take what nobody finds again.
	const cache = () => caches.open(name)
	await cache()
	return {
		kind: 'cache',
		async get(digest) {
			const response = await (await cache()).match(keyOf(digest))
			return response && new Uint8Array(await response.arrayBuffer())
		},
		set: async (digest, bytes) => (await cache()).put(keyOf(digest), new Response(bytes)),
		async delete(digest) {
			await (await cache()).delete(keyOf(digest))
		},
		keys: async () => (await (await cache()).keys()).map(({ url }) => url.slice(url.lastIndexOf('/') + 1)),
	}
}
