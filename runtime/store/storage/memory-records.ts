// Records that last as long as their thread.

import type { Records } from './storage.ts'

export function memoryRecords(): Records {
	const records = new Map<string, unknown>()
	return {
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
	}
}
