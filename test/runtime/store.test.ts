// Delivery: channel, manifest and chunks from a real HTTP server into storage, with everything that goes wrong on the way.

import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import { patient } from '../../runtime/store/patience.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import type { Backing, Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type Read, type ReadOptions, type Store, type Version } from '../../runtime/store/store.ts'
import type { Trust } from '../../runtime/store/trust.ts'
import { storageContract } from './store-contract.ts'
import { filesOf, type Packed, packed, pixelDescription, textDescription } from './tiny.ts'
import { type Fault, faults, type ModelsServer, modelsServer } from './tiny-server.ts'

storageContract('memory', async () => memoryStorage())
storageContract('resilient', () =>
	resilientStorage(
		async () => memoryStorage(),
		() => {},
	),
)

let server: ModelsServer
let storage: Storage
let first: Packed
const name = 'tiny-text'
const now = () => Math.floor(Date.now() / 1000)

beforeEach(async () => {
	server = await modelsServer()
	storage = memoryStorage()
	first = await packed(textDescription('1.0.0'))
	await server.publish(first)
})
afterEach(() => server.close())

const storeFor = (over: { trust?: Trust; storage?: Storage } = {}): Store =>
	createStore({ mirrors: new Mirrors([server.base]), patience: patient, trust: { keys: [server.key] }, storage, ...over })

const signal = () => new AbortController().signal
const all = (): Pick<ReadOptions, 'files' | 'signal'> => ({ signal: signal(), files: (manifest) => Object.keys(manifest.files) })

/** A whole load: the channel, the version, and remembering it. */
async function load(
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

const chunks = () => server.requests.filter((path) => path.startsWith('chunks/'))

/** The next version: other weights (so to speak), the same tokenizer. */
async function second(): Promise<Packed> {
	const description = textDescription('1.1.0')
	const files = filesOf(description)
	return packed(description, { ...files, 'graph.onnx': Uint8Array.from([...(files['graph.onnx'] as Uint8Array), 0x50, 0x01]) })
}

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

describe('a channel that cannot be used', () => {
	const cases: [string, () => Promise<unknown> | unknown, string, RegExp][] = [
		['is not there', () => server.remove(channelPath(name)), 'not-found', /the channel of tiny-text: .*channel\.jws answered 404/],
		['is a page of HTML', () => server.spoil(/channel/, faults.html), 'malformed', /text\/html/],
		['is signed by another key', async () => server.publish(first, { key: await generateSigningKey() }), 'untrusted', /trusted is/],
		['was changed', () => server.spoil(/channel/, faults.flipped), 'untrusted|malformed', /channel/],
		['has expired', () => server.publish(first, { expires: now() - 10 }), 'channel-expired', /expired on/],
		['answers 403', () => server.spoil(/channel/, faults.status(403)), 'forbidden', /403/],
		['answers 500 for ever', () => server.spoil(/channel/, faults.status(500)), 'upstream', /500/],
		['is cut off for ever', () => server.spoil(/channel/, faults.closed), 'network', /cannot be fetched/],
	]

	test.each(cases)('%s: without a stored version it is an error', async (_, spoil, code, message) => {
		await spoil()
		await expect(load()).rejects.toMatchObject({
			code: expect.stringMatching(new RegExp(`^(${code})$`)),
			message: expect.stringMatching(message),
		})
	})

	test.each(cases)('%s: the last good version goes on, and the reason is told', async (_, spoil, code) => {
		await load()
		await spoil()
		server.requests.length = 0
		const again = await load()
		expect(again.digest).toBe(first.digest)
		expect(again.asked).toMatch(new RegExp(`^(${code}): `))
		expect(chunks()).toEqual([])
	})

	test('is older than one seen before', async () => {
		await server.publish(first, { serial: 7 })
		await load()
		await server.publish(await second(), { serial: 6 })
		const again = await load()
		expect(again.digest).toBe(first.digest)
		expect(again.asked).toMatch(/channel-rollback: .*serial number 6, but 7 was seen/)
		expect((await load()).digest).toBe(first.digest)
	})

	test('is older than one seen before, of which no version could be loaded', async () => {
		await server.publish(first, { serial: 7 })
		await storeFor().resolve(name, undefined, signal())
		await server.publish(first, { serial: 6 })
		await expect(load()).rejects.toMatchObject({ code: 'channel-rollback' })
	})

	test('is offline: the stored version is there at once, with nothing asked but the channel', async () => {
		await load()
		await server.close()
		const again = await load()
		expect(again.bytes.stored).toBe(again.bytes.total)
		expect(again.asked).toMatch(/^network: /)
	})

	test('does not hold up a stored version: it may never answer', async () => {
		await load()
		server.spoil(/channel/, () => {})
		const controller = new AbortController()
		const { first: pointer, next, revalidation } = await storeFor().resolve(name, undefined, controller.signal)
		expect([pointer, next]).toEqual([{ digest: first.digest, version: '1.0.0', serial: 1 }, null])
		controller.abort()
		expect(await revalidation).toMatchObject({ error: { code: 'aborted' } })
	})
})

test('a channel that was not heard for more than a day is worth waiting for', async () => {
	await load()
	const overdue = async () => (await storeFor().resolve(name, undefined, AbortSignal.abort())).overdue
	expect(await overdue()).toBe(false)
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3_600_000 })
	try {
		expect(await overdue()).toBe(true)
	} finally {
		vi.useRealTimers()
	}
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

describe('storage that fails', () => {
	/** A browser's storage after its quota is used up, or broken. */
	const failing = (error: Error): Backing => {
		const inner = memoryStorage()
		const fail = async () => {
			throw error
		}
		return { records: { ...inner.records, set: fail }, bytes: { ...inner.bytes, set: fail } }
	}
	const quota = () => new DOMException('no more', 'QuotaExceededError')

	test('full: goes on from memory, and says so once', async () => {
		const notes: string[] = []
		const resilient = await resilientStorage(
			async () => failing(quota()),
			(note) => notes.push(note),
		)
		const store = storeFor({ storage: resilient })
		expect((await load(store)).bytes.stored).toBe(0)
		expect(notes).toEqual(['the browser refuses to store more; going on from memory'])
		// A worker that is replaced finds its bytes.
		expect((await load(store, undefined, { network: 'none' })).bytes.stored).toBeGreaterThan(0)
	})

	test('refused altogether, as in a private window', async () => {
		const notes: string[] = []
		const resilient = await resilientStorage(
			async () => {
				throw new DOMException('The operation is insecure.', 'SecurityError')
			},
			(note) => notes.push(note),
		)
		expect((await load(storeFor({ storage: resilient }))).bytes.stored).toBe(0)
		expect(notes).toEqual([expect.stringContaining('The operation is insecure')])
	})

	test('unreadable: fetched again', async () => {
		const notes: string[] = []
		const inner = memoryStorage()
		const broken: Storage = {
			...inner,
			bytes: {
				...inner.bytes,
				get: async () => {
					throw new DOMException('gone', 'InvalidStateError')
				},
			},
		}
		const resilient = await resilientStorage(
			async () => broken,
			(note) => notes.push(note),
		)
		await load(storeFor({ storage: resilient }))
		expect((await load(storeFor({ storage: resilient }))).bytes.stored).toBe(0)
		expect(notes).toEqual(['stored data cannot be read: gone'])
	})

	test('silent in mid-run: goes on from memory, waits once, and comes back when it answers', async () => {
		const notes: string[] = []
		const inner = memoryStorage()
		let silent = false
		let asked = 0
		const mute = async <T>(work: () => Promise<T>): Promise<T> => {
			asked++
			if (silent) await new Promise<void>((resolve) => waiting.push(resolve))
			return work()
		}
		const waiting: (() => void)[] = []
		const { bytes, versions } = await resilientStorage(
			async () => ({
				...inner,
				bytes: {
					...inner.bytes,
					get: (digest) => mute(() => inner.bytes.get(digest)),
					set: (...one) => mute(() => inner.bytes.set(...one)),
				},
			}),
			(note) => notes.push(note),
		)
		const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string]
		const value = Uint8Array.of(1, 2, 3)
		await bytes.set(one, value)
		silent = true
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
		try {
			const getting = bytes.get(one)
			await vi.advanceTimersByTimeAsync(10_000)
			expect(await getting).toBe(undefined)
			// No timer is advanced: nothing is waited for.
			await bytes.set(two, value)
			expect(await bytes.get(two)).toEqual(value)
			expect(asked).toBe(2)
			expect(versions.refuses(two)).toBe(true)
			expect(notes).toEqual([
				expect.stringMatching(/^stored data cannot be read: .* has not answered for 10 s$/),
				expect.stringMatching(/^storing failed, going on from memory: .* has not answered for 10 s$/),
			])
			silent = false
			for (const go of waiting) go()
			await vi.advanceTimersByTimeAsync(0)
			await bytes.set(three, value)
			expect(await inner.bytes.get(three)).toEqual(value)
		} finally {
			vi.useRealTimers()
		}
	})
})

test('a channel and keys have a limit of their own', async () => {
	const big = (response: Parameters<Fault>[0]) => void response.writeHead(200).end(new Uint8Array(256 * 1024 + 1))
	for (const trust of [{ keys: [server.key] }, { jwks: `${server.base}jwks.json` }]) {
		server.spoil('jwks' in trust ? /jwks/ : /channel/, big)
		await expect(load(storeFor({ trust }))).rejects.toMatchObject({
			code: 'integrity',
			message: expect.stringContaining('more than 262144'),
		})
		server.mend()
	}
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
