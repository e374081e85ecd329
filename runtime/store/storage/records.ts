// Small records in IndexedDB.

import { createStore, del, get, set, update } from 'idb-keyval'
import type { Records } from './storage.ts'

/**
 * Opens this origin's records, shared by all its pages.
 *
 * @param name of the database. Default: `spillway`.
 * @throws DOMException where the browser offers none, e.g. in a sandboxed frame.
 */
export async function browserRecords(name = 'spillway'): Promise<Records> {
	const store = createStore(name, 'records')
	// Opens the database: better here than in the middle of a load.
	await get('probe', store)
	return {
		get: (key) => get(key, store),
		set: (key, value) => set(key, value, store),
		update: (key, change) => update(key, change, store),
		delete: (key) => del(key, store),
	}
}
