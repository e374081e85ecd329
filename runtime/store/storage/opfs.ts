// Bytes in the origin private file system: a file for each digest. Only workers can write there as fast as it goes.

import { hexOf } from '../../core/hex.ts'
import type { Bytes } from './storage.ts'

/** What the DOM's types lack: a worker's way to write, and moving, which all browsers with such handles have. */
interface WorkerFileHandle extends FileSystemFileHandle {
	createSyncAccessHandle(options?: { mode: 'readwrite' | 'read-only' }): Promise<SyncAccessHandle>
	move(name: string): Promise<void>
}
interface SyncAccessHandle {
	getSize(): number
	read(into: Uint8Array, options?: { at: number }): number
	write(from: Uint8Array, options?: { at: number }): number
	flush(): void
	close(): void
}

/** Milliseconds after which a file that was begun and not finished is nobody's any more. */
const abandoned = 10 * 60_000

const isDigest = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)
const isMissing = (error: unknown): boolean => (error as Error | undefined)?.name === 'NotFoundError'
const isLocked = (error: unknown): boolean => (error as Error | undefined)?.name === 'NoModificationAllowedError'
/** Milliseconds before the second try, doubled for each further one, and the longest: others lock a file for as long as it takes to read it. */
const pauses = { first: 5, longest: 320 }

/** Whether several may read a file at a time without a copy in between: https://github.com/whatwg/fs/pull/21. */
const canShare = (): boolean =>
	'mode' in ((globalThis as { FileSystemSyncAccessHandle?: { prototype: object } }).FileSystemSyncAccessHandle?.prototype ?? {})

/**
 * Opens the folder of this name, in a dedicated worker. What is stored under a digest and has as many bytes as what is set is taken for the same.
 *
 * @throws DOMException, or another error, where the browser has no such file system, or none that works.
 */
export async function opfsBytes(name: string): Promise<Bytes> {
	const handles = globalThis.FileSystemFileHandle?.prototype as Partial<WorkerFileHandle> | undefined
	if (!handles?.createSyncAccessHandle || !handles.move) throw new Error('this browser has no file system for workers')
	const root = await navigator.storage.getDirectory()
	const open = () => root.getDirectoryHandle(name, { create: true })
	const before = await root.getDirectoryHandle(name).catch(() => undefined)
	let folder = before ?? (await open())
	const sharing = canShare()
	/** What is being stored. */
	const writing = new Map<string, Promise<void>>()
	async function store(digest: string, bytes: Uint8Array): Promise<void> {
		try {
			await write(folder, digest, bytes)
		} catch (error) {
			if (!isMissing(error)) throw error
			// All that this origin had stored was deleted: by the user, or by the browser.
			folder = await open()
			await write(folder, digest, bytes)
		}
	}
	const bytes: Bytes = {
		kind: 'opfs',
		async get(digest) {
			const file = await unlessMissing(folder.getFileHandle(digest))
			return file && unlessMissing(sharing ? readShared(file as WorkerFileHandle) : read(file))
		},
		async set(digest, bytes) {
			await writing.get(digest)?.catch(() => {})
			const written = store(digest, bytes)
			writing.set(digest, written)
			try {
				await written
			} finally {
				if (writing.get(digest) === written) writing.delete(digest)
			}
		},
		async delete(digest) {
			await unlessMissing(whenUnlocked(() => folder.removeEntry(digest)))
		},
		async keys() {
			const found: string[] = []
			try {
				for await (const name of folder.keys()) if (isDigest(name)) found.push(name)
			} catch (error) {
				if (!isMissing(error)) throw error
			}
			return found
		},
	}
	if (before) {
		tidy(folder).catch(() => {})
		return bytes
	}
	try {
		await probe(bytes)
	} catch (error) {
		// The next visit tries anew. What another thread has stored there meanwhile stays.
		await root.removeEntry(name).catch(() => {})
		throw error
	}
	return bytes
}

/** A file of another name until it is whole: what breaks off in the middle is never taken for what it should have become. */
async function write(folder: FileSystemDirectoryHandle, digest: string, bytes: Uint8Array): Promise<void> {
	const name = `${Date.now()}-${crypto.randomUUID()}`
	const file = (await folder.getFileHandle(name, { create: true })) as WorkerFileHandle
	try {
		const handle = await file.createSyncAccessHandle()
		try {
			const written = handle.write(bytes, { at: 0 })
			// In private windows, Chromium 156 does not throw when there is no room: it has written -8 bytes, without a sign.
			if (written !== bytes.length) throw new DOMException('there is no room for it', 'QuotaExceededError')
			// Not flushed, which would take twice as long: what a power cut leaves is verified like everything that is read.
		} finally {
			handle.close()
		}
		// Another tab may have been faster, and Chromium 156 has no file at all for a moment when it replaces one.
		if ((await sizeOf(folder, digest)) === bytes.length) await folder.removeEntry(name)
		else await whenUnlocked(() => file.move(digest))
	} catch (error) {
		await folder.removeEntry(name).catch(() => {})
		throw error
	}
}

async function sizeOf(folder: FileSystemDirectoryHandle, name: string): Promise<number | undefined> {
	const file = await unlessMissing(folder.getFileHandle(name))
	return file && (await unlessMissing(file.getFile()))?.size
}

async function readShared(file: WorkerFileHandle): Promise<Uint8Array<ArrayBuffer>> {
	let handle: SyncAccessHandle
	try {
		handle = await whenUnlocked(() => file.createSyncAccessHandle({ mode: 'read-only' }))
	} catch (error) {
		if (isMissing(error)) throw error
		return read(file)
	}
	try {
		const bytes = new Uint8Array(handle.getSize())
		handle.read(bytes, { at: 0 })
		return bytes
	} finally {
		handle.close()
	}
}

const read = async (file: FileSystemFileHandle): Promise<Uint8Array<ArrayBuffer>> =>
	new Uint8Array(await (await file.getFile()).arrayBuffer())

/** Several threads may have to do with a file at a time. */
async function whenUnlocked<T>(work: () => Promise<T>): Promise<T> {
	for (let pause = pauses.first; ; pause *= 2) {
		try {
			return await work()
		} catch (error) {
			if (!isLocked(error) || pause > pauses.longest) throw error
			await new Promise((wake) => setTimeout(wake, pause))
		}
	}
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
	try {
		return await work
	} catch (error) {
		if (isMissing(error)) return undefined
		throw error
	}
}

/** Some browsers have it all and refuse when it is used. Under a name of its own: other threads may be probing, too. */
async function probe(bytes: Bytes): Promise<void> {
	const digest = hexOf(crypto.getRandomValues(new Uint8Array(32)))
	await bytes.set(digest, Uint8Array.of(1, 2, 3))
	const found = await bytes.get(digest)
	await bytes.delete(digest)
	if (found?.join() !== '1,2,3') throw new Error('this browser gives back other bytes than were stored')
}

/** Deletes what was begun by threads that are gone. */
async function tidy(folder: FileSystemDirectoryHandle): Promise<void> {
	for await (const name of folder.keys()) {
		if (isDigest(name) || Math.abs(Date.now() - Number.parseInt(name, 10)) < abandoned) continue
		await folder.removeEntry(name).catch(() => {
			// Still open somewhere.
		})
	}
}
