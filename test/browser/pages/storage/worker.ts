// The browser's storage in a worker; bytes come and go as text, a character each.

import { expose } from 'comlink'
import { browserStorage } from '../../../../runtime/store/storage/browser.ts'
import { cacheBytes } from '../../../../runtime/store/storage/cache.ts'
import { opfsBytes } from '../../../../runtime/store/storage/opfs.ts'
import { browserRecords } from '../../../../runtime/store/storage/records.ts'
import { resilientStorage } from '../../../../runtime/store/storage/resilient.ts'
import type { Backing, Storage } from '../../../../runtime/store/storage/storage.ts'

/** Plain data, so that every driver of browsers can carry it. */
export type Action =
	/** As the engine does, or one kind of bytes. @returns which kind it is. */
	| { do: 'open'; name: string; kind: 'first' | 'opfs' | 'cache' }
	| { do: 'records'; method: 'get' | 'set' | 'delete'; parameters: unknown[] }
	/** A function cannot come: it counts. */
	| { do: 'count'; key: string }
	| { do: 'get' | 'delete' | 'size'; digest: string }
	| { do: 'set'; digest: string; bytes: string }
	/** Sets as many bytes of this value. */
	| { do: 'fill'; digest: string; size: number; value: number }
	| { do: 'hold'; model: string; digest: string; pieces: { digest: string; size: number }[] }
	| { do: 'keys' | 'notes' }
	/** Stores chunks for as long as it lives, each with its own digest. */
	| { do: 'write'; size: number }
	/** How many chunks are there, and how many of them have not the bytes that they are named by. */
	| { do: 'check' }

export interface StorageWorker {
	act(action: Action): Promise<unknown>
}

let storage: Backing & Partial<Storage>
let name = ''
const notes: string[] = []

const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
	Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('')

async function open(kind: 'first' | 'opfs' | 'cache'): Promise<string> {
	if (kind === 'first')
		storage = await resilientStorage(
			() => browserStorage(name),
			(note) => notes.push(note),
		)
	else storage = { records: await browserRecords(name), bytes: await (kind === 'opfs' ? opfsBytes : cacheBytes)(name) }
	return storage.bytes.kind
}

async function write(size: number): Promise<void> {
	for (;;) {
		const bytes = crypto.getRandomValues(new Uint8Array(65_536))
		const chunk = new Uint8Array(size)
		for (let at = 0; at < size; at += bytes.length) chunk.set(bytes.subarray(0, Math.min(bytes.length, size - at)), at)
		await storage.bytes.set(await digestOf(chunk), chunk)
	}
}

async function check(): Promise<{ chunks: number; wrong: number }> {
	const keys = await storage.bytes.keys()
	let wrong = 0
	for (const key of keys) {
		const bytes = await storage.bytes.get(key)
		if (!bytes || (await digestOf(bytes)) !== key) wrong++
	}
	return { chunks: keys.length, wrong }
}

async function act(action: Action): Promise<unknown> {
	switch (action.do) {
		case 'open':
			name = action.name
			return open(action.kind)
		case 'records':
			return storage.records[action.method](...(action.parameters as [string, unknown]))
		case 'count':
			return storage.records.update<number>(action.key, (count = 0) => count + 1)
		case 'get': {
			const bytes = await storage.bytes.get(action.digest)
			return bytes && Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
		}
		case 'size':
			return (await storage.bytes.get(action.digest))?.length
		case 'delete':
			return storage.bytes.delete(action.digest)
		case 'set':
			return storage.bytes.set(
				action.digest,
				Uint8Array.from(action.bytes, (character) => character.charCodeAt(0)),
			)
		case 'fill':
			return storage.bytes.set(action.digest, new Uint8Array(action.size).fill(action.value))
		case 'hold':
			return storage.versions?.hold({ ...action, version: '1.0.0' }, action.pieces)
		case 'keys':
			return storage.bytes.keys()
		case 'notes':
			return notes
		case 'write':
			// Not waited for: it never ends.
			void write(action.size)
			return
		case 'check':
			return check()
	}
}

expose({ act } satisfies StorageWorker)
