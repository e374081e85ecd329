// The browser's storage: records in IndexedDB, bytes in the first place that works.

import { bounded } from '../../core/deadline.ts'
import { cacheBytes } from './cache.ts'
import { opfsBytes } from './opfs.ts'
import { browserRecords } from './records.ts'
import type { Backing, Bytes } from './storage.ts'

/** Milliseconds that the file system may take to open before Cache Storage is taken. */
const patience = 7_000

/**
 * Opens this origin's storage, shared by all its pages: the file system, and Cache Storage where there is none for workers.
 *
 * Best of many readings of a model in 45 chunks (23 MB), on two busy cores: 48 ms from the file system and 74 from Cache Storage in Chromium 156, 52 and 79
 * in Firefox 153. Writing them takes 100 and 160 ms in Chromium; in Firefox 0.2 s in Cache Storage and seconds in the file system, beside the download.
 *
 * @param name of the database, and of the folder or cache. Default: `spillway`.
 * @throws DOMException where the browser offers none, e.g. in a sandboxed frame.
 */
export async function browserStorage(name = 'spillway'): Promise<Backing> {
	const [records, bytes] = await Promise.all([browserRecords(name), browserBytes(name)])
	return { records, bytes }
}

async function browserBytes(name: string): Promise<Bytes> {
	try {
		const bytes = await bounded('opening', { remaining: patience, signal: new AbortController().signal }, () => opfsBytes(name))
		// What is left from a time when the file system did not work.
		globalThis.caches?.delete(name).catch(() => {})
		return bytes
	} catch {
		return cacheBytes(name)
	}
}
