// A newer version than the stored one: when it is downloaded, when it serves, and how a publisher goes back.

import { beforeEach, describe, expect, test } from 'vitest'
import { channelPath, manifestPath } from '../../models/format/layout.ts'
import { memoryBacking } from '../../runtime/store/storage/memory.ts'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import { chunksAsked, name, own, prefetch, server, signal, start, storage, storeFor, storeIn, version } from './store-starting.ts'
import type { Packed } from './tiny.ts'

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
		storeIn(await open(most))
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
		storeIn(await open(most))
		expect(await start()).toMatchObject({ version: '2.0.0' })
	})
})
