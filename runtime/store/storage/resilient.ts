// Storage that never stops a load: what the browser refuses to keep is kept in memory, and the reason is told.

import { bounded } from '../../core/deadline.ts'
import { messageOf } from '../../core/error.ts'
import { memoryStorage } from './memory.ts'
import type { Storage } from './storage.ts'

/** Milliseconds. IndexedDB has been known not to answer at all (WebKit bug 226547). */
const openLimit = 5_000

/** @param open e.g. `browserStorage`. @param note told once for each kind of failure. */
export async function resilientStorage(open: () => Promise<Storage>, note: (text: string) => void): Promise<Storage> {
	const memory = memoryStorage()
	const told = new Set<string>()
	const tell = (text: string) => {
		if (!told.has(text)) note(text)
		told.add(text)
	}

	let storage: Storage
	try {
		storage = await bounded('opening storage', { remaining: openLimit, signal: new AbortController().signal }, () => open())
	} catch (error) {
		tell(`this browser keeps nothing here, models are downloaded again next time: ${messageOf(error)}`)
		return memory
	}

	/** Reading fails like not having. */
	const reading = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
		try {
			return await work()
		} catch (error) {
			tell(`stored data cannot be read: ${messageOf(error)}`)
			return undefined
		}
	}
	/** What cannot be written is kept in memory, and found there first. */
	const writing = async (
		work: () => Promise<void>,
		place: 'records' | 'bytes',
		key: string,
		instead: () => Promise<void>,
	): Promise<void> => {
		try {
			await work()
		} catch (error) {
			tell(
				isQuota(error)
					? 'the browser refuses to store more; going on from memory'
					: `storing failed, going on from memory: ${messageOf(error)}`,
			)
			return instead()
		}
		await memory[place].delete(key)
	}
	const record = async <T>(key: string): Promise<T | undefined> =>
		(await memory.records.get<T>(key)) ?? (await reading(() => storage.records.get<T>(key)))

	return {
		records: {
			get: record,
			set: (key, value) =>
				writing(
					() => storage.records.set(key, value),
					'records',
					key,
					() => memory.records.set(key, value),
				),
			async update<T>(key: string, change: (value: T | undefined) => T) {
				const kept = await memory.records.get<T>(key)
				await writing(
					() => storage.records.update<T>(key, (value) => change(kept ?? value)),
					'records',
					key,
					async () => memory.records.set(key, change(await record<T>(key))),
				)
			},
			async delete(key) {
				await memory.records.delete(key)
				await reading(() => storage.records.delete(key))
			},
		},
		bytes: {
			kind: storage.bytes.kind,
			get: async (digest) => (await memory.bytes.get(digest)) ?? (await reading(() => storage.bytes.get(digest))),
			set: (digest, bytes) =>
				writing(
					() => storage.bytes.set(digest, bytes),
					'bytes',
					digest,
					() => memory.bytes.set(digest, bytes),
				),
			async delete(digest) {
				await memory.bytes.delete(digest)
				await reading(() => storage.bytes.delete(digest))
			},
			keys: async () => [...new Set([...(await memory.bytes.keys()), ...((await reading(() => storage.bytes.keys())) ?? [])])],
		},
	}
}

const isQuota = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError'
