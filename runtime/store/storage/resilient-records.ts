// Records that never stop anything: what the browser refuses to keep is kept in memory, and the reason is told.

import { bounded } from '../../core/deadline.ts'
import { messageOf, SpillwayError } from '../../core/error.ts'
import { memoryRecords } from './memory-records.ts'
import { isQuota } from './quota.ts'
import type { Records } from './storage.ts'

/** Milliseconds. IndexedDB has been known not to answer at all (WebKit bug 226547). */
const answerLimit = 10_000

export type Tell = (text: string) => void

/** Opens records alone. Never rejects. @param note told once for each kind of failure. */
export async function openRecords(open: () => Promise<Records>, note: (text: string) => void): Promise<Records> {
	const tell = once(note)
	try {
		return resilientRecords(answeringRecords(await opened(open)), tell)
	} catch (error) {
		tell(`this browser keeps nothing here: ${messageOf(error)}`)
		return memoryRecords()
	}
}

/** Does what storage is asked for. @throws SpillwayError `environment` when that takes too long. */
export type Answering = <T>(work: () => Promise<T>) => Promise<T>

/** Each answer in bounded time; as long as one is owed, others are not waited for: they would take as long, one after another. */
export function answering(): Answering {
	const { signal } = new AbortController()
	const owed = new Set<Promise<unknown>>()
	const silent = () => new SpillwayError('environment', `the browser's storage has not answered for ${answerLimit / 1000} s`)
	return async (work) => {
		if (owed.size > 0) throw silent()
		const answer = work()
		return bounded('storage', { remaining: answerLimit, signal }, () => answer).catch((error) => {
			if (SpillwayError.from(error).code !== 'deadline-exceeded') throw error
			const settled = () => owed.delete(answer)
			owed.add(answer)
			answer.then(settled, settled)
			throw silent()
		})
	}
}

/** What `open` gives, in bounded time. */
export const opened = <T>(open: () => Promise<T>): Promise<T> => answering()(open)

/** Records that fail when they do not answer. */
export function answeringRecords(records: Records, answer = answering()): Records {
	return {
		get: (key) => answer(() => records.get(key)),
		set: (key, value) => answer(() => records.set(key, value)),
		update: (key, change) => answer(() => records.update(key, change)),
		delete: (key) => answer(() => records.delete(key)),
	}
}

/** Tells each text once. */
export function once(note: Tell): Tell {
	const told = new Set<string>()
	return (text) => {
		if (!told.has(text)) note(text)
		told.add(text)
	}
}

export function resilientRecords(records: Records, tell: Tell): Records {
	const memory = memoryRecords()
	const get = async <T>(key: string): Promise<T | undefined> =>
		(await memory.get<T>(key)) ?? (await reading(() => records.get<T>(key), tell))
	/** What cannot be written is kept in memory, and found there first. */
	const writing = async (key: string, work: () => Promise<void>, instead: () => Promise<void>): Promise<void> => {
		try {
			await work()
		} catch (error) {
			tellOf(error, tell)
			return instead()
		}
		await memory.delete(key)
	}
	return {
		get,
		set: (key, value) =>
			writing(
				key,
				() => records.set(key, value),
				() => memory.set(key, value),
			),
		async update<T>(key: string, change: (value: T | undefined) => T) {
			const kept = await memory.get<T>(key)
			await writing(
				key,
				() => records.update<T>(key, (value) => change(kept ?? value)),
				async () => memory.set(key, change(await get<T>(key))),
			)
		},
		async delete(key) {
			await memory.delete(key)
			await reading(() => records.delete(key), tell)
		},
	}
}

/** Reading fails like not having. */
export async function reading<T>(work: () => Promise<T>, tell: Tell): Promise<T | undefined> {
	try {
		return await work()
	} catch (error) {
		tell(`stored data cannot be read: ${messageOf(error)}`)
		return undefined
	}
}

export const tellOf = (error: unknown, tell: Tell): void =>
	tell(
		isQuota(error)
			? 'the browser refuses to store more; going on from memory'
			: `storing failed, going on from memory: ${messageOf(error)}`,
	)
