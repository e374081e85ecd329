// Delivery: a first visit brings a model, a second one has it in storage, and a new version replaces it.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Read, ReadOptions } from '../../runtime/store/store.ts'
import { all, chunks, first, load, name, second, server, signal, storage, storeFor } from './store-loading.ts'
import { filesOf, packed, textDescription } from './tiny.ts'
import { faults } from './tiny-server.ts'

describe('a first visit', () => {
	test('brings the files, whole and verified, each chunk once', async () => {
		const progress: Read[] = []
		const { manifest, digest, files, bytes } = await load(storeFor(), undefined, { onProgress: (told) => progress.push(told) })
		expect(digest).toBe(first.digest)
		expect(manifest).toEqual(first.manifest)
		for (const [file, expected] of Object.entries(filesOf(textDescription()))) expect(files.get(file)).toEqual(expected)
		expect(chunks().length).toBe(first.chunks.size)
		const total = Object.values(manifest.files).reduce((sum, { size }) => sum + size, 0)
		expect(bytes).toEqual({ total, stored: 0 })
		expect(progress[0]).toEqual({ loaded: 0, total, stored: 0, left: null })
		expect(progress.at(-1)).toEqual({ loaded: total, total, stored: 0, left: 0 })
		const loaded = progress.map(({ loaded }) => loaded)
		expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
	})

	test('tells of each file as soon as it is whole, from the network and from storage', async () => {
		for (let visit = 1; visit <= 2; visit++) {
			const told: string[] = []
			const { manifest } = await load(storeFor(), undefined, {
				onFile(file, bytes) {
					told.push(file)
					expect(createHash('sha256').update(bytes).digest('hex')).toBe(first.manifest.files[file]?.digest)
				},
			})
			expect(told.sort()).toEqual(Object.keys(manifest.files).sort())
		}
	})

	test('ends with what is thrown about a file', async () => {
		const onFile = () => {
			throw new SpillwayError('malformed', 'no tokenizer')
		}
		await expect(load(storeFor(), undefined, { onFile })).rejects.toMatchObject({ code: 'malformed' })
	})

	test('fetches only the files that are needed', async () => {
		const { files } = await load(storeFor(), undefined, { files: () => ['graph.onnx'] })
		expect([...files.keys()]).toEqual(['graph.onnx'])
		expect(new Set(chunks())).toEqual(new Set(first.manifest.files['graph.onnx']?.chunks.map(({ digest }) => chunkPath(digest))))
	})

	test('keys may come from the edge, and are remembered', async () => {
		const trust = { jwks: new URL('jwks.json', server.base).href }
		await load(storeFor({ trust }))
		server.spoil(/jwks/, faults.closed)
		expect((await load(storeFor({ trust }))).asked).toBe('1.0.0')
	})

	test('can ask for the version that the channel names, and for no other', async () => {
		await expect(load(storeFor(), '2.0.0')).rejects.toMatchObject({
			code: 'not-found',
			message: 'tiny-text 2.0.0 is not there: the channel names 1.0.0',
		})
		expect((await load(storeFor(), '1.0.0')).manifest.version).toBe('1.0.0')
	})

	test.each(['', 'UPPER', '../x', 'a/b'])('%j is no model', async (model) => {
		await expect(storeFor().resolve(model, undefined, signal())).rejects.toMatchObject({ code: 'invalid-input' })
		expect(server.requests).toEqual([])
	})
})

describe('a second visit', () => {
	test('takes everything from storage', async () => {
		await load()
		server.requests.length = 0
		const { bytes, files, asked } = await load()
		expect(server.requests).toEqual([channelPath(name)])
		expect(bytes.stored).toBe(bytes.total)
		expect(files.get('graph.onnx')).toEqual(filesOf(textDescription())['graph.onnx'])
		expect(asked).toBe('1.0.0')
	})

	test('with a new version there goes on with the old one, and the next visit has the new one: only its own chunks are fetched', async () => {
		await load()
		const next = await second()
		await server.publish(next, { serial: 2 })
		const again = await load()
		expect(again.digest).toBe(first.digest)
		expect(again.asked).toBe('1.1.0')

		server.requests.length = 0
		const third = await load()
		expect(third.digest).toBe(next.digest)
		const own = [...next.chunks.keys()].filter((digest) => !first.chunks.has(digest))
		expect(chunks().sort()).toEqual(own.map(chunkPath).sort())

		// What only the old one needed is deleted.
		expect(await storage.bytes.get(first.digest)).toBeUndefined()
		for (const digest of first.chunks.keys()) expect((await storage.bytes.get(digest)) !== undefined).toBe(next.chunks.has(digest))
	})

	test('can fall back from a new version that does not arrive', async () => {
		await load()
		const next = await second()
		await server.publish(next, { serial: 2 })
		await load()
		const { first: good, next: newer } = await storeFor().resolve(name, undefined, signal())
		expect([newer?.version, good.version]).toEqual(['1.1.0', '1.0.0'])
		server.spoil(/manifests/, faults.status(503))
		await expect(storeFor().read(name, newer ?? good, { ...all(), network: 'hasty' })).rejects.toMatchObject({ code: 'upstream' })
		expect(server.requests.filter((path) => path === manifestPath(next.digest))).toHaveLength(1)
		expect((await storeFor().read(name, good, all())).bytes.stored).toBeGreaterThan(0)
	})

	test('keeps what another model shares', async () => {
		const description = { ...textDescription('1.0.0'), model: 'tiny-other' }
		await server.publish(await packed(description))
		const { first: other } = await storeFor().resolve('tiny-other', undefined, signal())
		await storeFor().read('tiny-other', other, all())
		await storeFor().commit('tiny-other', undefined, other)
		await load()
		await server.publish(await second(), { serial: 2 })
		await load()
		await load()
		await server.close()
		const { bytes } = await storeFor().read('tiny-other', other, { ...all(), network: 'none' })
		expect(bytes.stored).toBe(bytes.total)
	})
})

test('what is read again while its version is deleted does not bring that back', async () => {
	const store = storeFor()
	await load(store)
	const { first: pointer } = await store.resolve(name, undefined, signal())
	const { versions } = storage
	// In the middle of reading.
	const files: ReadOptions['files'] = async (manifest) => {
		await versions.remove(pointer.digest)
		return Object.keys(manifest.files)
	}
	await expect(store.read(name, pointer, { signal: signal(), network: 'none', again: true, files })).rejects.toThrow()
	const again = store.read(name, pointer, { ...all(), network: 'none', again: true })
	await expect(again).rejects.toMatchObject({ code: 'not-found' })
	expect(await versions.entries()).toEqual([])
	await load(store)
	expect(await versions.entries()).toHaveLength(1)
})
