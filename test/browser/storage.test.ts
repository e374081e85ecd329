// The browser's storage: the contract in a real Chromium, and what happens when it is full.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backing } from '../../runtime/store/storage/storage.ts'
import { storageContract } from '../runtime/store-contract.ts'
import { getBrowser } from './launch.ts'
import type {} from './pages/storage/page.ts'
import { type Site, serveSite } from './site.ts'

let page: Page
let site: Site
let opened = 0

beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-storage-'))
	afterAll(() => rm(folder, { recursive: true }))
	await build({
		configFile: false,
		logLevel: 'error',
		root: join(import.meta.dirname, 'pages/storage'),
		build: { outDir: folder, emptyOutDir: true, target: 'es2022' },
	})
	site = await serveSite({ mounts: { '/': `${folder}/` } })
	page = await (await getBrowser()).newPage()
	await page.goto(`${site.origin}/index.html`)
	await page.waitForFunction(() => 'storages' in window)
})

/** A storage of the page as if it were here; bytes go over as lists of numbers. */
async function inPage(name: string): Promise<Backing> {
	const place = await page.evaluate((name) => window.openStorage(name), name)
	return {
		records: {
			get: (key) => page.evaluate(([place, key]) => window.storages[place]?.records.get(key), [place, key] as const) as never,
			set: (key, value) =>
				page.evaluate(([place, key, value]) => window.storages[place]?.records.set(key, value), [place, key, value] as const),
			// A function cannot go over; the suite counts.
			update: (key, _) =>
				page.evaluate(([place, key]) => window.storages[place]?.records.update<number>(key, (count = 0) => count + 1), [
					place,
					key,
				] as const),
			delete: (key) => page.evaluate(([place, key]) => window.storages[place]?.records.delete(key), [place, key] as const),
		},
		bytes: {
			kind: 'cache',
			async get(digest) {
				const read = async ([place, digest]: readonly [number, string]) => [...((await window.storages[place]?.bytes.get(digest)) ?? [-1])]
				const bytes = await page.evaluate(read, [place, digest] as const)
				return bytes[0] === -1 ? undefined : Uint8Array.from(bytes)
			},
			set: (digest, bytes) =>
				page.evaluate(([place, digest, bytes]) => window.storages[place]?.bytes.set(digest, Uint8Array.from(bytes)), [
					place,
					digest,
					[...bytes],
				] as const),
			delete: (digest) => page.evaluate(([place, digest]) => window.storages[place]?.bytes.delete(digest), [place, digest] as const),
			keys: () => page.evaluate((place) => window.storages[place]?.bytes.keys() ?? [], place),
		},
	}
}

storageContract("browser's", () => inPage(`contract-${opened++}`))

test('what one page has stored another one finds, also after the first is closed', async () => {
	const digest = 'b'.repeat(64)
	const first = await inPage('shared')
	await first.records.set('key', { serial: 3 })
	await first.bytes.set(digest, Uint8Array.of(1, 2, 3))
	await page.reload()
	await page.waitForFunction(() => 'storages' in window)
	const second = await inPage('shared')
	expect(await second.records.get('key')).toEqual({ serial: 3 })
	expect(await second.bytes.get(digest)).toEqual(Uint8Array.of(1, 2, 3))
	expect(await page.evaluate(() => window.notes)).toEqual([])
})

test('when the browser refuses to store more, things go on from memory, and it is said once', async () => {
	const session = await page.context().newCDPSession(page)
	await session.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: 100_000 })
	const storage = await inPage('full')
	const [one, two] = ['c'.repeat(64), 'd'.repeat(64)] as const
	for (const digest of [one, two]) await storage.bytes.set(digest, new Uint8Array(200_000).fill(7))
	expect(await storage.bytes.get(two)).toHaveLength(200_000)
	expect(await page.evaluate(() => window.notes)).toEqual(['the browser refuses to store more; going on from memory'])
	const later = await inPage('full')
	expect(await later.bytes.get(one)).toBeUndefined()
})
