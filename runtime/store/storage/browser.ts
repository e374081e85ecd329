// The browser's storage: records in IndexedDB, bytes in Cache Storage.

import { createStore, del, get, set, update } from 'idb-keyval'
import type { Storage } from './storage.ts'

/** Cache Storage wants http(s) addresses as keys; nothing is ever asked of this one. */
const keyOf = (digest: string): string => `https://spillway.invalid/chunks/${digest}`

/**
 * Opens this origin's storage, shared by all its pages.
 *
 * @param name of the database and the cache. Default: `spillway`.
 * @throws DOMException where the browser offers none, e.g. in a private window of Firefox.
 */
export async function browserStorage(name = 'spillway'): Promise<Storage> {
	const store = createStore(name, 'records')
	const cache = await caches.open(name)
	// Opens the database: better here than in the middle of a load.
	await get('probe', store)
	return {
		records: {
			get: (key) => get(key, store),
			set: (key, value) => set(key, value, store),
			update: (key, change) => update(key, change, store),
			delete: (key) => del(key, store),
		},
		bytes: {
			kind: 'cache',
			async get(digest) {
				const response = await cache.match(keyOf(digest))
				return response && new Uint8Array(await response.arrayBuffer())
			},
			set: (digest, bytes) => cache.put(keyOf(digest), new Response(bytes)),
			async delete(digest) {
				await cache.delete(keyOf(digest))
			},
			keys: async () => (await cache.keys()).map(({ url }) => url.slice(url.lastIndexOf('/') + 1)),
		},
	}
}
