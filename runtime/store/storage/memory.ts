// Storage that lasts as long as its worker: for private windows, and for what no longer fits.

import type { Storage } from './storage.ts'

export function memoryStorage(): Storage {
	const records = new Map<string, unknown>()
	const bytes = new Map<string, Uint8Array<ArrayBuffer>>()
	return {
		records: {
			get: async <T>(key: string) => structuredClone(records.get(key)) as T | undefined,
			async set(key, value) {
				records.set(key, structuredClone(value))
			},
			async update<T>(key: string, change: (value: T | undefined) => T) {
				records.set(key, structuredClone(change(structuredClone(records.get(key)) as T | undefined)))
			},
			async delete(key) {
				records.delete(key)
			},
		},
		bytes: {
			kind: 'memory',
			get: async (digest) => bytes.get(digest)?.slice(),
			async set(digest, value) {
				bytes.set(digest, value.slice())
			},
			async delete(digest) {
				bytes.delete(digest)
			},
			keys: async () => [...bytes.keys()],
		},
	}
}
