// Loads of a model from a server that can be spoiled into a storage; both are made anew for each test, with one version published.

import { afterEach, beforeEach } from 'vitest'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import { patient } from '../../runtime/store/patience.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type ReadOptions, type Store, type Version } from '../../runtime/store/store.ts'
import type { Trust } from '../../runtime/store/trust.ts'
import { filesOf, type Packed, packed, textDescription } from './tiny.ts'
import { type ModelsServer, modelsServer } from './tiny-server.ts'

export let server: ModelsServer
export let storage: Storage
/** The version that is published. */
export let first: Packed
export const name = 'tiny-text'

beforeEach(async () => {
	server = await modelsServer()
	storage = memoryStorage()
	first = await packed(textDescription('1.0.0'))
	await server.publish(first)
})
afterEach(() => server.close())

export const storeFor = (over: { trust?: Trust; storage?: Storage } = {}): Store =>
	createStore({ mirrors: new Mirrors([server.base]), patience: patient, trust: { keys: [server.key] }, storage, ...over })

export const signal = () => new AbortController().signal
export const all = (): Pick<ReadOptions, 'files' | 'signal'> => ({ signal: signal(), files: (manifest) => Object.keys(manifest.files) })

/** A whole load: the channel, the version, and remembering it. */
export async function load(
	store = storeFor(),
	version?: string,
	options: Partial<ReadOptions> = {},
): Promise<Version & { asked: string | undefined }> {
	const { first, next, revalidation } = await store.resolve(name, version, signal())
	const pointer = next ?? first
	const read = await store.read(name, pointer, { ...all(), ...options })
	await store.commit(name, version, pointer)
	const asked = await revalidation
	return {
		...read,
		asked: asked === null ? undefined : 'found' in asked ? asked.found.version : `${asked.error.code}: ${asked.error.message}`,
	}
}

/** Those that were asked for. */
export const chunks = () => server.requests.filter((path) => path.startsWith('chunks/'))

/** The next version: other weights (so to speak), the same tokenizer. */
export async function second(): Promise<Packed> {
	const description = textDescription('1.1.0')
	const files = filesOf(description)
	return packed(description, { ...files, 'graph.onnx': Uint8Array.from([...(files['graph.onnx'] as Uint8Array), 0x50, 0x01]) })
}
