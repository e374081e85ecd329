// Starts of a page that has stored a model or not, from a server that publishes versions; both are made anew for each test.

import { afterEach, beforeEach, expect, vi } from 'vitest'
import { chunkPath } from '../../models/format/layout.ts'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type Store } from '../../runtime/store/store.ts'
import type { Trust } from '../../runtime/store/trust.ts'
import { filesOf, type Packed, packed, textDescription } from './tiny.ts'
import { type ModelsServer, modelsServer } from './tiny-server.ts'

export const name = 'tiny-text'

export let server: ModelsServer
export let storage: Storage

beforeEach(async () => {
	server = await modelsServer()
	storage = memoryStorage()
})
afterEach(async () => {
	vi.useRealTimers()
	await server.close()
})

/** Pages have another storage from here on. */
export function storeIn(other: Storage): void {
	storage = other
}

/** A version whose graph, and nothing else, is its own. */
export async function version(version: string): Promise<Packed> {
	const files = filesOf(textDescription())
	const own = new TextEncoder().encode(version)
	return packed(textDescription(version), { ...files, 'graph.onnx': Uint8Array.from([...(files['graph.onnx'] as Uint8Array), ...own]) })
}

export const storeFor = (trust: Trust = { keys: [server.key] }): Store =>
	createStore({ mirrors: new Mirrors([server.base]), trust, storage })
export const signal = () => new AbortController().signal

/** A start: what is stored serves, or what the channel names; meanwhile the channel is asked. */
export async function start(asked?: string, store = storeFor()) {
	const { first, next, revalidation } = await store.resolve(name, asked, signal())
	const pointer = next?.stored ? next : first
	const { bytes } = await store.read(name, pointer, { signal: signal(), files: ({ files }) => Object.keys(files) })
	await store.commit(name, asked, pointer)
	const heard = await revalidation
	const told = heard && ('found' in heard ? heard.found : `${heard.error.code}: ${heard.error.message}`)
	return { version: pointer.version, digest: pointer.digest, bytes, told }
}

/** Downloads what the channel names beside what is stored. */
export async function prefetch(asked?: string, store = storeFor()) {
	const { next } = await store.resolve(name, asked, signal())
	if (!next) throw new Error('nothing is to come')
	const read = await store.read(name, next, { signal: signal(), files: ({ files }) => Object.keys(files), discard: true })
	expect(read.files.size).toBe(0)
	await store.arrived(name, asked, next)
}

export const chunksAsked = () => server.requests.filter((path) => path.startsWith('chunks/'))
/** Paths of one version's chunks that another one lacks. */
export const own = (of: Packed, beside: Packed) => [...of.chunks.keys()].filter((digest) => !beside.chunks.has(digest)).map(chunkPath)
