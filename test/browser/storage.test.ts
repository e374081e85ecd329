// The browser's storage: the contract in a real Chromium over each kind, what a worker leaves that is ended while it writes, what happens when all
// is deleted in the middle, and when there is no more room.

import type { CDPSession, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Backing } from '../../runtime/store/storage/storage.ts'
import { storageContract } from '../runtime/store-contract.ts'
import { getBrowser } from './launch.ts'
import type {} from './pages/storage/page.ts'
import type { Site } from './site.ts'
import { type Act, openedAtOnce, storageIn, storageSite } from './storage-site.ts'

let page: Page
let devtools: CDPSession
let site: Site
let opened = 0

beforeAll(async () => {
	site = await storageSite()
	page = await (await getBrowser()).newPage()
	await page.goto(`${site.origin}/index.html`)
	await page.waitForFunction(() => 'act' in window)
	devtools = await page.context().newCDPSession(page)
})

const act: Act = (worker, action) => page.evaluate(([worker, action]) => window.act(worker, action), [worker, action] as const)
const inPage = (name: string, kind: 'first' | 'opfs' | 'cache' = 'first', worker = 'worker'): Promise<Backing> =>
	storageIn(act, name, kind, worker)

const [one, two, three] = ['c', 'd', 'e'].map((letter) => letter.repeat(64)) as [string, string, string]

for (const kind of ['first', 'opfs', 'cache'] as const) storageContract(`Chromium's ${kind}`, () => inPage(`contract-${opened++}`, kind))

test('the file system is taken first', async () => {
	expect((await inPage('first')).bytes.kind).toBe('opfs')
})

test('several threads that open it at once all take the file system', async () => {
	for (let round = 0; round < 5; round++) expect(await openedAtOnce(act, `at-once-${round}`)).toEqual(['opfs'])
})

describe.each(['opfs', 'cache'] as const)('%s', (kind) => {
	test('what one worker has stored another one finds, also after the first has ended', async () => {
		const first = await inPage(`shared-${kind}`, kind, 'one')
		await first.records.set('key', { serial: 3 })
		await first.bytes.set(one, Uint8Array.of(1, 2, 3))
		await page.evaluate(() => window.end('one'))
		const second = await inPage(`shared-${kind}`, kind, 'two')
		expect(await second.records.get('key')).toEqual({ serial: 3 })
		expect(await second.bytes.get(one)).toEqual(Uint8Array.of(1, 2, 3))
	})

	test('a worker that is ended while it writes leaves whole chunks, and nothing else that is found', async () => {
		for (let round = 0; round < 5; round++) {
			await inPage(`ended-${kind}`, kind, 'writer')
			await act('writer', { do: 'write', size: 1_000_000 })
			const reader = await inPage(`ended-${kind}`, kind, 'reader')
			const before = (await reader.bytes.keys()).length
			await expect.poll(async () => (await reader.bytes.keys()).length, { interval: 5, timeout: 20_000 }).toBeGreaterThan(before + round)
			await page.evaluate(() => window.end('writer'))
		}
		const { chunks, wrong } = (await act('reader', { do: 'check' })) as { chunks: number; wrong: number }
		expect(chunks).toBeGreaterThan(5)
		expect(wrong).toBe(0)
	})
})

test('when all that is stored is deleted in the middle, storing goes on', async () => {
	const kinds = ['first', 'cache'] as const
	for (const kind of kinds) {
		const storage = await inPage(`wiped-${kind}`, kind, kind)
		await storage.bytes.set(one, Uint8Array.of(1))
		await storage.records.set('key', 1)
	}
	await devtools.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'all' })
	for (const kind of kinds) {
		expect(await act(kind, { do: 'get', digest: one })).toBeUndefined()
		expect(await act(kind, { do: 'keys' })).toEqual([])
		await act(kind, { do: 'set', digest: two, bytes: '2' })
		await act(kind, { do: 'records', method: 'set', parameters: ['key', 2] })
		const later = await inPage(`wiped-${kind}`, kind, 'later')
		expect(await later.bytes.keys()).toEqual([two])
		expect(await later.records.get('key')).toBe(2)
	}
	expect(await act('first', { do: 'notes' })).toEqual([])
})

test('when there is no more room, other versions go, then things go on from memory, and both is said once', async () => {
	const quota = (quotaSize?: number) =>
		devtools.send('Storage.overrideQuotaForOrigin', { origin: site.origin, ...(quotaSize && { quotaSize }) })
	await devtools.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'all' })
	const hold = (worker: string, model: string, digest: string) =>
		act(worker, { do: 'hold', model, digest: digest.replaceAll(/./g, 'f'), pieces: [{ digest, size: 400_000 }] })
	const fill = (worker: string, digest: string) => act(worker, { do: 'fill', digest, size: 400_000, value: 7 })
	await quota(1_000_000)
	try {
		await inPage('full', 'first', 'before')
		await hold('before', 'other', one)
		await fill('before', one)
		await page.evaluate(() => window.end('before'))
		await inPage('full', 'first', 'full')
		for (const digest of [two, three])
			await act('full', { do: 'hold', model: 'wanted', digest: `${digest.slice(1)}0`, pieces: [{ digest, size: 400_000 }] })
		for (const digest of [two, three]) await fill('full', digest)
		expect(await act('full', { do: 'notes' })).toEqual(['other 1.0.0 was deleted from storage, to make room'])
		const more = Array.from('01234567', (digit) => digit.repeat(64))
		await Promise.all(more.map((digest) => fill('full', digest)))
		expect(await act('full', { do: 'notes' })).toEqual([
			'other 1.0.0 was deleted from storage, to make room',
			'the browser refuses to store more; going on from memory',
		])
		for (const digest of more) expect(await act('full', { do: 'size', digest })).toBe(400_000)
		// What had no room has left nothing: Chromium writes the beginning of it, and says nothing.
		await inPage('full', 'first', 'later')
		expect(((await act('later', { do: 'keys' })) as string[]).sort()).toEqual([two, three])
	} finally {
		await quota()
	}
})
