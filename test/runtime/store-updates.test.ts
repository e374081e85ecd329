// Which version a page is given: ranges, newer versions, going back, keys that change, clocks that are wrong.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateSigningKey, publicKey } from '../../models/format/keys.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import { Mirrors } from '../../runtime/store/mirrors.ts'
import { memoryBacking, memoryStorage } from '../../runtime/store/storage/memory.ts'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { createStore, type Store } from '../../runtime/store/store.ts'
import type { Trust } from '../../runtime/store/trust.ts'
import { filesOf, type Packed, packed, textDescription } from './tiny.ts'
import { faults, type ModelsServer, modelsServer } from './tiny-server.ts'

const name = 'tiny-text'
const year = 365 * 24 * 3600 * 1000

let server: ModelsServer
let storage: Storage
beforeEach(async () => {
	server = await modelsServer()
	storage = memoryStorage()
})
afterEach(async () => {
	vi.useRealTimers()
	await server.close()
})

/** A version whose graph, and nothing else, is its own. */
async function version(version: string): Promise<Packed> {
	const files = filesOf(textDescription())
	const own = new TextEncoder().encode(version)
	return packed(textDescription(version), { ...files, 'graph.onnx': Uint8Array.from([...(files['graph.onnx'] as Uint8Array), ...own]) })
}

const storeFor = (trust: Trust = { keys: [server.key] }): Store => createStore({ mirrors: new Mirrors([server.base]), trust, storage })
const signal = () => new AbortController().signal

/** A start: what is stored serves, or what the channel names; meanwhile the channel is asked. */
async function start(asked?: string, store = storeFor()) {
	const { first, next, revalidation } = await store.resolve(name, asked, signal())
	const pointer = next?.stored ? next : first
	const { bytes } = await store.read(name, pointer, { signal: signal(), files: ({ files }) => Object.keys(files) })
	await store.commit(name, asked, pointer)
	const heard = await revalidation
	const told = heard && ('found' in heard ? heard.found : `${heard.error.code}: ${heard.error.message}`)
	return { version: pointer.version, digest: pointer.digest, bytes, told }
}

/** Downloads what the channel names beside what is stored. */
async function prefetch(asked?: string, store = storeFor()) {
	const { next } = await store.resolve(name, asked, signal())
	if (!next) throw new Error('nothing is to come')
	const read = await store.read(name, next, { signal: signal(), files: ({ files }) => Object.keys(files), discard: true })
	expect(read.files.size).toBe(0)
	await store.arrived(name, asked, next)
}

const chunksAsked = () => server.requests.filter((path) => path.startsWith('chunks/'))
const own = (of: Packed, beside: Packed) => [...of.chunks.keys()].filter((digest) => !beside.chunks.has(digest)).map(chunkPath)

describe('a range', () => {
	let all: Packed[]
	beforeEach(async () => {
		all = await Promise.all(['2.0.0', '1.10.0', '1.2.0', '0.9.0'].map(version))
		for (const one of all) await server.publish(one)
		await server.publish(all[0] as Packed, { serial: 4, versions: all.slice(1) })
	})

	test.each([
		[undefined, '2.0.0'],
		['^1', '1.10.0'],
		['~1.2', '1.2.0'],
		['0.9.0', '0.9.0'],
		['>=1', '2.0.0'],
	])('%s brings %s', async (asked, version) => {
		expect(await start(asked)).toMatchObject({ version })
		// And so it does from storage, without a network.
		await server.close()
		expect(await start(asked)).toMatchObject({ version, told: expect.stringContaining('network') })
	})

	test('in which nothing is published is an error that says what there is', async () => {
		await expect(start('^3')).rejects.toMatchObject({
			code: 'not-found',
			message: 'tiny-text ^3 is not there: the channel names 2.0.0, and beside it 1.10.0, 1.2.0, 0.9.0',
		})
	})

	test.each(['latest', '', '^'])('%j is none: refused before anything is asked', async (asked) => {
		await expect(start(asked)).rejects.toMatchObject({
			code: 'invalid-input',
			message: expect.stringContaining('neither a version nor a range'),
		})
		expect(server.requests).toEqual([])
	})

	test('pages that ask in different ways do not displace one another', async () => {
		await start()
		await start('^1')
		server.requests.length = 0
		expect(await start()).toMatchObject({ version: '2.0.0' })
		expect(await start('^1')).toMatchObject({ version: '1.10.0' })
		expect(chunksAsked()).toEqual([])
		const kept = await storeFor().kept()
		expect(kept.map(({ model, version, current }) => [model, version, current])).toEqual([
			[name, '2.0.0', true],
			[name, '1.10.0', false],
		])
	})

	test('that nobody has asked for yet is served from what others have stored when the channel cannot be had', async () => {
		await start('^1')
		await server.close()
		expect(await start('>=1')).toMatchObject({ version: '1.10.0', told: expect.stringMatching(/^network: /) })
		await expect(start('^2')).rejects.toMatchObject({ code: 'network' })
	})

	test('in which nothing is published any more: what is stored goes on', async () => {
		await start('^1')
		await server.publish(all[0] as Packed, { serial: 5 })
		expect(await start('^1')).toMatchObject({ version: '1.10.0', told: expect.stringMatching(/^not-found: tiny-text \^1 is not there/) })
	})
})

describe('a newer version', () => {
	let old: Packed
	let newer: Packed
	beforeEach(async () => {
		;[old, newer] = (await Promise.all(['1.0.0', '1.1.0'].map(version))) as [Packed, Packed]
		await server.publish(old)
		await start()
		await server.publish(newer, { serial: 2, versions: [old] })
	})

	test('comes in the background: its own chunks alone are fetched, and it serves from then on', async () => {
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.1.0' } })
		// Known, not stored.
		expect(await start()).toMatchObject({ version: '1.0.0' })
		server.requests.length = 0
		await prefetch()
		expect(chunksAsked().sort()).toEqual(own(newer, old).sort())
		server.requests.length = 0
		expect(await start()).toMatchObject({ version: '1.1.0', told: { version: '1.1.0' } })
		expect(chunksAsked()).toEqual([])
		// What only the old one needed is gone.
		for (const path of own(old, newer)) expect(await storage.bytes.get(path.slice('chunks/'.length))).toBeUndefined()
	})

	test('costs its manifest and the chunks that changed, and nothing else', async () => {
		await start()
		server.requests.length = 0
		await prefetch()
		const fetched = server.requests.filter((path) => path !== channelPath(name))
		expect(fetched.sort()).toEqual([manifestPath(newer.digest), ...own(newer, old)].sort())
	})

	test('that is superseded before it has served is not loaded', async () => {
		await start()
		await prefetch()
		const newest = await version('1.2.0')
		await server.publish(newest, { serial: 3, versions: [newer, old] })
		// It was stored, so it serves; the next one is known.
		expect(await start()).toMatchObject({ version: '1.1.0', told: { version: '1.2.0' } })
		await prefetch()
		expect(await start()).toMatchObject({ version: '1.2.0' })
	})

	test('goes back when a channel with a higher serial number names the one before', async () => {
		await start()
		await prefetch()
		await start()
		await server.publish(old, { serial: 3 })
		expect(await start()).toMatchObject({ version: '1.1.0', told: { version: '1.0.0', serial: 3 } })
		await prefetch()
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
		// What an old mirror says later does not count.
		await server.publish(newer, { serial: 2 })
		expect(await start()).toMatchObject({ version: '1.0.0', told: expect.stringMatching(/^channel-rollback: /) })
	})

	test('that is withdrawn before it has served is never loaded', async () => {
		await start()
		await server.publish(old, { serial: 3 })
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
		expect((await storeFor().resolve(name, undefined, signal())).next).toBeNull()
	})

	test('is named at once to who asks for it, also where it is stored already', async () => {
		const pointer = await storeFor().latest(name, undefined, signal())
		expect(pointer).toEqual({ digest: newer.digest, version: '1.1.0', serial: 2 })
		await prefetch()
		expect(await storeFor().latest(name, undefined, signal())).toEqual(pointer)
		expect((await storeFor().resolve(name, undefined, signal())).next).toEqual({ ...pointer, stored: true })
	})

	test('in another tab: a page that had the one before finds it by its digest, as long as it is stored', async () => {
		const { bytes } = storage
		const manifest = (await bytes.get(old.digest)) as Uint8Array<ArrayBuffer>
		await start()
		await prefetch()
		await start()
		expect(await storeFor().good(name, undefined, old.digest)).toMatchObject({ version: '1.1.0' })
		await bytes.set(old.digest, manifest)
		expect(await storeFor().good(name, undefined, old.digest)).toEqual({ digest: old.digest, version: '1.0.0', serial: 0 })
	})

	test('is forgotten where it is deleted', async () => {
		await start()
		await storeFor().forget(name, newer.digest)
		expect((await storeFor().resolve(name, undefined, AbortSignal.abort())).next).toBeNull()
		await storeFor().forget(name, old.digest)
		expect(await storeFor().kept()).toEqual([])
		expect(await start()).toMatchObject({ version: '1.1.0', told: null })
	})
})

describe('keys', () => {
	const jwks = () => new URL('jwks.json', server.base).href
	const setOf = async (...keys: string[]) => JSON.stringify({ keys: await Promise.all(keys.map(publicKey)) })

	test('overlap: a page that trusts the old and the new one reads what either has signed', async () => {
		const next = await generateSigningKey()
		const trust = { keys: [server.key, next.x] }
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor(trust))
		await server.publish(await version('1.1.0'), { serial: 2, key: next })
		expect(await start(undefined, storeFor(trust))).toMatchObject({ told: { version: '1.1.0' } })
		// One that knows the old key alone goes on with what it has.
		expect(await start()).toMatchObject({ version: '1.0.0', told: expect.stringMatching(/^untrusted: .*trusted is/) })
	})

	test('of an edge change: the next start asks for them', async () => {
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor({ jwks: jwks() }))
		const next = await generateSigningKey()
		await server.publish(await version('1.1.0'), { serial: 2, key: next })
		const set = await setOf(next.x, server.key)
		server.spoil(/jwks/, (response) => void response.end(set))
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({ told: { version: '1.1.0' } })
	})

	test('of an edge change in this moment: they are asked for again', async () => {
		const next = await generateSigningKey()
		await server.publish(await version('1.0.0'), { key: next })
		const before = await setOf(server.key)
		const after = await setOf(next.x, server.key)
		server.spoil(/jwks/, (response) => void response.end(before), 1)
		server.spoil(/jwks/, (response) => void response.end(after))
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({ version: '1.0.0', told: null })
	})

	test('that signed before and are not trusted any more: what they sign is refused', async () => {
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor({ jwks: jwks() }))
		const next = await generateSigningKey()
		const set = await setOf(next.x)
		server.spoil(/jwks/, (response) => void response.end(set))
		await server.publish(await version('6.6.6'), { serial: 9 })
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({
			version: '1.0.0',
			told: expect.stringMatching(/^untrusted: /),
		})
	})
})

describe('a clock that is wrong', () => {
	const clock = (by: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + by })

	test.each([
		['a year ahead', year, /^channel-expired: .*the clock here says/],
		['a year behind', -year, undefined],
	])('%s: a model that is there goes on', async (_, by, told) => {
		await server.publish(await version('1.0.0'))
		await start()
		clock(by)
		const again = await start()
		expect(again).toMatchObject({ version: '1.0.0' })
		if (told) expect(again.told).toMatch(told)
		else expect(again.told).toMatchObject({ version: '1.0.0' })
		// And when it is right again, so is all.
		vi.useRealTimers()
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
	})

	test('a year behind: a first visit works', async () => {
		await server.publish(await version('1.0.0'))
		clock(-year)
		expect(await start()).toMatchObject({ version: '1.0.0' })
	})

	test('a year ahead: a first visit ends in one error, which names the clock', async () => {
		await server.publish(await version('1.0.0'))
		clock(year)
		await expect(start()).rejects.toMatchObject({
			code: 'channel-expired',
			message: expect.stringMatching(/the clock here says .* or the clock be set/),
		})
	})

	test("a publisher's, which signs a year ahead: believed all the same", async () => {
		clock(year)
		await server.publish(await version('1.0.0'))
		vi.useRealTimers()
		expect(await start()).toMatchObject({ version: '1.0.0' })
		expect(await start()).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
	})
})

test('a channel that is asked again is not lost when the keys cannot be had', async () => {
	const trust = { jwks: new URL('jwks.json', server.base).href }
	await server.publish(await version('1.0.0'))
	await start(undefined, storeFor(trust))
	server.spoil(/jwks/, faults.closed)
	expect(await start(undefined, storeFor(trust))).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
})

describe('where storage has room for one version', () => {
	const backing = memoryBacking()
	const open = (most: number) =>
		resilientStorage(
			async () => backing,
			() => {},
			most,
		)
	const pointer = ({ digest, manifest }: Packed) => ({ digest, version: manifest.version, serial: 1 })

	test('the next one is not downloaded in the background, nor taken for stored; loaded, it is stored once the one before is gone', async () => {
		const [first, second] = await Promise.all([version('1.0.0'), version('2.0.0')])
		const most = [...first.chunks.values()].reduce((sum, { length }) => sum + length, 0)
		storage = await open(most)
		const page = storeFor()
		await server.publish(first)
		await start(undefined, page)
		await server.publish(second, { serial: 2 })
		await start(undefined, page)
		server.requests.length = 0
		await expect(prefetch(undefined, page)).rejects.toMatchObject({ code: 'storage-full', message: expect.stringContaining('2.0.0') })
		expect(chunksAsked()).toEqual([])
		expect(await start(undefined, page)).toMatchObject({ version: '1.0.0' })

		await page.read(name, pointer(second), { signal: signal(), files: ({ files }) => Object.keys(files) })
		// Should the page be closed now.
		await page.arrived(name, undefined, pointer(second))
		expect((await page.resolve(name, undefined, signal())).next?.stored).toBeFalsy()
		await page.commit(name, undefined, pointer(second))
		await server.close()
		storage = await open(most)
		expect(await start()).toMatchObject({ version: '2.0.0' })
	})
})
