// Storage that lasts as long as its worker: for private windows, and for what no longer fits.

import { memoryRecords } from './memory-records.ts'
import type { Backing, Bytes, Storage } from './storage.ts'
import { createVersions } from './versions.ts'

export function memoryStorage(): Storage {
	const backing = memoryBacking()
	return { ...backing, versions: createVersions({ ...backing, note: () => {} }) }
}

export const memoryBacking = (): Backing => ({ records: memoryRecords(), bytes: memoryBytes() })

export function memoryBytes(): Bytes {
	const bytes = new Map<string, Uint8Array<ArrayBuffer>>()
	return {
		kind: 'memory',
		get: async (digest) => bytes.get(digest)?.slice(),
		async set(digest, value) {
			bytes.set(digest, value.slice())
		},
		async delete(digest) {
			bytes.delete(digest)
		},
		keys: async () => [...bytes.keys()],
	}
}
