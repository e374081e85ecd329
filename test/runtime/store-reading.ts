// Readings of a model of many chunks, from a server that can be spoiled into a storage; both are made anew for each test.

import { beforeEach, expect } from 'vitest'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import type { Patience } from '../../runtime/store/patience.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type ReadOptions, type Version } from '../../runtime/store/store.ts'
import { type CountingServer, countingServer } from './store-server.ts'
import { filesOf, packed, textDescription } from './tiny.ts'
import type { Fault } from './tiny-server.ts'

export const chunk = 16 * 1024
/** Most that is under way at a time. */
export const inFlight = 4 * chunk
/** No two chunks alike. */
export const noise = Uint8Array.from({ length: 60 * chunk + 99 }, (_, i) => ((i * 2654435761) >>> 13) ^ (i >>> 14))
const description = textDescription()
const files = { ...filesOf(description), 'graph.onnx': noise }
export const model = await packed(description, files, chunk)
/** Bytes of the model's files. */
export const size = [...model.chunks.values()].reduce((sum, { length }) => sum + length, 0)
const pointer = { digest: model.digest, version: '1.0.0', serial: 1 }

/** Quick to give up. */
export const short: Patience = { retries: 1, stall: 10_000, offline: 0, fruitless: 120_000 }
/** The same with a server that says nothing, or hardly anything. */
export const shorter: Patience = { ...short, stall: 300 }

export let server: CountingServer
export let storage: Storage

beforeEach(async () => {
	server = await countingServer(model)
	storage = memoryStorage()
})

interface Reading extends Partial<ReadOptions> {
	from?: readonly CountingServer[]
	into?: Storage
	patience?: Patience
}

export function read({ from = [server], into = storage, patience = short, ...options }: Reading = {}): Promise<Version> {
	const mirrors = new Mirrors(from.map(({ base }) => base))
	const store = createStore({ mirrors, trust: { keys: [] }, storage: into, patience })
	return store.read('tiny-text', pointer, { signal: new AbortController().signal, files: () => Object.keys(files), ...options })
}

export const verifies = async (reading: Promise<Version>) => expect((await reading).files.get('graph.onnx')).toEqual(noise)
export const error = async (reading: Promise<unknown>) =>
	reading.then(
		() => 'none',
		(thrown: SpillwayError) => thrown,
	)

/** Spoils answers to chunks alone. */
export const chunksAre =
	(fault: Fault): Fault =>
	(response, request, body) =>
		request.url?.includes('chunks/') ? fault(response, request, body) : response.writeHead(200).end(body)
