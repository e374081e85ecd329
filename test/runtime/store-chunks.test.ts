// Chunks and manifests that are wrong, on the way or in storage: fetched again, or a typed error, and never a wrong byte.

import { describe, expect, test } from 'vitest'
import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { all, chunks, first, load, name, server, signal, storage, storeFor } from './store-loading.ts'
import { filesOf, packed, pixelDescription, textDescription } from './tiny.ts'
import { faults, type ModelsServer } from './tiny-server.ts'

describe('chunks', () => {
	const one = () => chunkPath(first.manifest.files['tokenizer.json']?.chunks[2]?.digest as string)
	const spoilOne = (fault: Parameters<ModelsServer['spoil']>[1], times?: number) => server.spoil(new RegExp(one()), fault, times)
	const asked = () => server.requests.filter((path) => path === one()).length

	test.each([
		['a flipped bit', faults.flipped],
		['a short body', faults.short],
		['a page of HTML', faults.html],
		['a truncated body', faults.truncated],
		['a closed connection', faults.closed],
		['a 500', faults.status(500)],
		['a 503 with Retry-After', faults.status(503, { 'retry-after': '0' })],
		['a 429', faults.status(429)],
	])('%s once: fetched again', async (_, fault) => {
		spoilOne(fault, 1)
		expect((await load()).files.get('tokenizer.json')).toEqual(filesOf(textDescription())['tokenizer.json'])
		expect(asked()).toBe(2)
	})

	test.each([
		['a flipped bit', faults.flipped, 'integrity', 2, /chunk 2 of tokenizer\.json from .*: its SHA-256 is/],
		['a short body', faults.short, 'integrity', 2, /has 128 bytes, should have 256/],
		['a page of HTML', faults.html, 'integrity', 2, /text\/html/],
		// What breaks off while it comes is a smaller failure.
		['a truncated body', faults.truncated, 'network', 16, /chunk 2 of tokenizer\.json cannot be fetched/],
		['a 500', faults.status(500), 'upstream', 4, /answered 500/],
		['a 404', faults.status(404), 'not-found', 1, /answered 404/],
	])('%s for ever: a typed error, nothing half done, and the next load is whole', async (_, fault, code, times, message) => {
		spoilOne(fault)
		await expect(load()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
		// Chunks that came meanwhile make up for a failure.
		expect([times, times + 1]).toContain(asked())
		expect(await storage.bytes.get(one().replace('chunks/', ''))).toBeUndefined()

		server.mend()
		const there: string[] = []
		for (const digest of first.chunks.keys()) if (await storage.bytes.get(digest)) there.push(chunkPath(digest))
		server.requests.length = 0
		expect((await load()).files.get('tokenizer.json')).toEqual(filesOf(textDescription())['tokenizer.json'])
		// Nothing is paid for twice.
		expect(chunks().filter((path) => there.includes(path))).toEqual([])
	})

	test('Retry-After is waited for, unless it is too long', async () => {
		spoilOne(faults.status(503, { 'retry-after': '1' }), 1)
		const start = performance.now()
		await load()
		expect(performance.now() - start).toBeGreaterThan(900)

		await storage.bytes.delete(one().replace('chunks/', ''))
		spoilOne(faults.status(503, { 'retry-after': '3600' }))
		await expect(load()).rejects.toMatchObject({ code: 'upstream', retryAfter: 3_600_000 })
	})

	test('a bit flipped in storage: deleted and fetched again', async () => {
		await load()
		const digest = one().replace('chunks/', '')
		const bytes = (await storage.bytes.get(digest)) as Uint8Array<ArrayBuffer>
		bytes[7] = (bytes[7] as number) ^ 4
		await storage.bytes.set(digest, bytes)
		server.requests.length = 0
		const again = await load()
		expect(again.files.get('tokenizer.json')).toEqual(filesOf(textDescription())['tokenizer.json'])
		expect(chunks()).toEqual([one()])
		expect(again.bytes.total - again.bytes.stored).toBe(256)
		expect((await load()).bytes.stored).toBe(again.bytes.total)
	})

	test('a bit flipped in the stored manifest: the same', async () => {
		await load()
		await storage.bytes.set(first.digest, new TextEncoder().encode('{}'))
		server.requests.length = 0
		expect((await load()).manifest).toEqual(first.manifest)
		expect(server.requests).toContain(manifestPath(first.digest))
	})

	test('a bit flipped in storage when only storage may be asked', async () => {
		await load()
		await storage.bytes.set(one().replace('chunks/', ''), Uint8Array.of(1))
		await expect(load(storeFor(), undefined, { network: 'none' })).rejects.toMatchObject({
			code: 'not-found',
			message: expect.stringContaining('not in storage any more'),
		})
	})

	test('a load that is aborted settles at once, and what was verified stays', async () => {
		spoilOne(faults.stalled)
		const controller = new AbortController()
		const loading = load(storeFor(), undefined, {
			signal: controller.signal,
			onProgress: ({ loaded }) => loaded > 0 && setTimeout(() => controller.abort(new Error('navigated away')), 50),
		})
		await expect(loading).rejects.toMatchObject({ code: 'aborted' })
		server.mend()
		expect((await load()).bytes.stored).toBeGreaterThan(0)
	})

	test('a manifest of another model is refused', async () => {
		const other = await packed(pixelDescription())
		await server.publish({ ...other, manifest: { ...other.manifest, model: name } })
		await expect(load()).rejects.toMatchObject({ code: 'malformed', message: expect.stringContaining('is that of tiny-pixels') })
	})
})

test('one bad load does not spoil the next one, of this model or another', async () => {
	const store = storeFor()
	const pixels = await packed(pixelDescription())
	await server.publish(pixels)
	server.spoil(/chunks/, faults.flipped)
	await expect(load(store)).rejects.toMatchObject({ code: 'integrity' })
	server.mend()
	const { first: pointer } = await store.resolve('tiny-pixels', undefined, signal())
	expect((await store.read('tiny-pixels', pointer, all())).digest).toBe(pixels.digest)
	expect((await load(store)).digest).toBe(first.digest)
})
