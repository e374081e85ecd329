// Storage that never stops a load: what the browser refuses to keep is kept in memory, and the reason is told.

import { messageOf } from '../../core/error.ts'
import { memoryBytes, memoryStorage } from './memory.ts'
import { isQuota } from './quota.ts'
import { answering, answeringRecords, once, opened, reading, resilientRecords, type Tell, tellOf } from './resilient-records.ts'
import type { Backing, Bytes, Storage } from './storage.ts'
import { createVersions, type Versions } from './versions.ts'

/**
 * Opens storage for models. Never rejects: where there is none, memory does.
 *
 * @param open e.g. `browserStorage`.
 * @param note told what goes wrong and what was deleted, once each.
 * @param most bytes that models may take. Default: what the browser gives.
 */
export async function resilientStorage(open: () => Promise<Backing>, note: (text: string) => void, most?: number): Promise<Storage> {
	const tell = once(note)
	try {
		const backing = answeringBacking(await opened(open))
		const { locks, storage } = globalThis.navigator ?? {}
		const versions = createVersions({ ...backing, most, note: tell, locks, estimate: storage && (() => storage.estimate()) })
		return { records: resilientRecords(backing.records, tell), bytes: resilientBytes(backing.bytes, versions, tell), versions }
	} catch (error) {
		tell(`this browser keeps nothing here, models are downloaded again next time: ${messageOf(error)}`)
		return memoryStorage()
	}
}

/** Storage that fails when it does not answer. */
function answeringBacking({ records, bytes }: Backing): Backing {
	const answer = answering()
	return {
		records: answeringRecords(records),
		bytes: {
			kind: bytes.kind,
			get: (digest) => answer(() => bytes.get(digest)),
			set: (digest, value) => answer(() => bytes.set(digest, value)),
			delete: (digest) => answer(() => bytes.delete(digest)),
			keys: () => answer(() => bytes.keys()),
		},
	}
}

function resilientBytes(bytes: Bytes, versions: Versions, tell: Tell): Bytes {
	const memory = memoryBytes()
	return {
		kind: bytes.kind,
		get: async (digest) => (await memory.get(digest)) ?? (await reading(() => bytes.get(digest), tell)),
		async set(digest, value) {
			if (versions.refuses(digest)) return memory.set(digest, value)
			const store = () => bytes.set(digest, value)
			try {
				await store().catch((error) => {
					if (!isQuota(error)) throw error
					return versions.withRoom(digest, store)
				})
			} catch (error) {
				tellOf(error, tell)
				versions.refuse(digest)
				return memory.set(digest, value)
			}
			await memory.delete(digest)
		},
		async delete(digest) {
			await memory.delete(digest)
			await reading(() => bytes.delete(digest), tell)
		},
		keys: async () => [...new Set([...(await memory.keys()), ...((await reading(() => bytes.keys(), tell)) ?? [])])],
	}
}
