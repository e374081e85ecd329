// `runtime.storage`: what applications learn and decide of stored models, and what happens when stored bytes are lost or wrong.

import type { Page, Worker } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

let models: Models
let site: Site
let page: Page
let browser: Awaited<ReturnType<typeof getBrowser>>

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await staticHost(models)
})
beforeEach(async () => {
	page = await openPage(browser, site)
	await start()
})
afterEach(() => page.context().close())

/** Makes the page's runtime, in place of the one before. */
const start = (options: object = {}) =>
	page.evaluate(
		async ([trust, options]) => {
			await window.runtime?.dispose()
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', ...options })
		},
		[models.trust, options] as const,
	)

/** Loads models and gives the notes of the last one. */
const load = (...names: string[]) =>
	page.evaluate(async (names) => {
		let notes: readonly string[] = []
		for (const name of names) notes = (await (await window.runtime.load(name)).explain()).device?.report?.notes ?? []
		return notes
	}, names)

const embeds = () => page.evaluate(async () => (await window.runtime.model('tiny-text').embed(['a b'])).vectors.length)
const list = async () => (await page.evaluate(() => window.runtime.storage.list())).sort((a, b) => (a.model < b.model ? -1 : 1))
const names = async () => (await list()).map(({ model }) => model)

/** The chunks that were asked for meanwhile. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
	const before = site.asked.length
	await work()
	return site.asked.slice(before).filter((path) => path.includes('/chunks/'))
}

test('tells what is stored, and what it takes', async () => {
	expect(await list()).toEqual([])
	const before = Date.now()
	await load('tiny-text', 'tiny-pixels')
	const [pixels, text] = await list()
	expect(text).toMatchObject({ model: 'tiny-text', version: '1.0.0', complete: true, current: true })
	expect(text?.digest).toMatch(/^[0-9a-f]{64}$/)
	expect(text?.used).toBeGreaterThanOrEqual(before)
	expect(pixels).toMatchObject({ model: 'tiny-pixels', complete: true, current: true })
	const estimate = await page.evaluate(() => window.runtime.storage.estimate())
	expect(estimate).toMatchObject({ kind: 'opfs', models: (text?.bytes ?? 0) + (pixels?.bytes ?? 0), persisted: false })
	expect(estimate.usage).toBeGreaterThan(estimate.models)
	expect(estimate.quota).toBeGreaterThan(estimate.usage ?? 0)
	expect(await page.evaluate(() => window.runtime.storage.persist())).toBeTypeOf('boolean')
})

test('a deleted model goes on from memory, and is downloaded when it is loaded again; others stay', async () => {
	await load('tiny-text', 'ring')
	await page.evaluate(() => window.runtime.storage.delete('tiny-text'))
	expect(await names()).toEqual(['ring'])
	expect(await embeds()).toBe(1)
	await start()
	expect(await asked(() => load('ring'))).toEqual([])
	expect((await asked(() => load('tiny-text'))).length).toBeGreaterThan(1)
	expect(await names()).toEqual(['ring', 'tiny-text'])
	expect(await page.evaluate(() => window.errorOf(window.runtime.storage.delete(undefined as never)))).toMatchObject({
		code: 'invalid-input',
	})
})

test('wrong and missing bytes are found, and mended by the next load: nothing else is downloaded', async () => {
	await load('tiny-text')
	const verify = () => page.evaluate(() => window.runtime.storage.verify())
	const { chunks, ...bad } = await verify()
	expect(chunks).toBe(3)
	expect(bad).toEqual({ wrong: 0, missing: 0 })
	const [text] = await list()
	const spoiled = await page.evaluate(async (manifest) => {
		const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('spillway')
		const others: string[] = []
		const stored = new Set<string>(
			(await (await folder.getFileHandle(manifest)).getFile().then((file) => file.text())).match(/[0-9a-f]{64}/g),
		)
		for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) if (stored.has(name)) others.push(name)
		const [wrong, missing] = others as [string, string]
		const bytes = new Uint8Array(await (await (await folder.getFileHandle(wrong)).getFile()).arrayBuffer())
		bytes[7] = (bytes[7] as number) ^ 4
		const file = await (await folder.getFileHandle(wrong)).createWritable()
		await file.write(bytes)
		await file.close()
		await folder.removeEntry(missing)
		return [wrong, missing]
	}, text?.digest as string)
	expect(await verify()).toEqual({ chunks, wrong: 1, missing: 1 })
	await start()
	let notes: readonly string[] = []
	const fetched = await asked(async () => {
		notes = await load('tiny-text')
	})
	expect(fetched.sort()).toEqual(spoiled.map((digest) => `/models/chunks/${digest}`).sort())
	expect(notes).toContain('2 pieces of tiny-text are not in storage any more; they are downloaded again')
	expect(await verify()).toEqual({ chunks, wrong: 0, missing: 0 })
	expect(await embeds()).toBe(1)
})

describe('under a limit', () => {
	test('what was used least recently goes when it is not in use', async () => {
		await load('tiny-text', 'tiny-pixels', 'ring')
		const [ring, pixels] = (await list()).map(({ bytes }) => bytes) as [number, number]
		await start({ storage: ring + pixels })
		expect(await load('ring')).toEqual(['tiny-text 1.0.0 was deleted from storage, to make room'])
		expect(await names()).toEqual(['ring', 'tiny-pixels'])
	})

	test('what does not fit is used from memory', async () => {
		await start({ storage: 2_000 })
		expect(await load('tiny-text')).toContain('models may take 2000 bytes of storage; what does not fit goes on from memory')
		expect(await embeds()).toBe(1)
		const [text] = await list()
		expect(text).toMatchObject({ complete: false })
		expect(text?.bytes).toBeLessThanOrEqual(2_000)
	})
})

test('all that is stored is deleted in mid-run: the model goes on, also when its worker dies, and is stored again at the next start', async () => {
	await load('tiny-text')
	const devtools = await page.context().newCDPSession(page)
	await devtools.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'all' })
	expect(await embeds()).toBe(1)
	expect(await list()).toEqual([])
	// A worker that dies now has no bytes to be started with again.
	const session = page.workers().find((worker) => worker.url().endsWith('session.js')) as Worker
	const downloaded = await asked(async () => {
		await session.evaluate(() => self.close())
		expect(await embeds()).toBe(1)
	})
	expect(downloaded.length).toBeGreaterThan(1)
	await devtools.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'all' })
	await start()
	expect((await asked(() => load('tiny-text'))).length).toBeGreaterThan(1)
	expect(await list()).toMatchObject([{ model: 'tiny-text', complete: true, current: true }])
	await start()
	expect(await asked(() => load('tiny-text'))).toEqual([])
})

test('under edge-only there is nothing to load, but what is stored can be seen and deleted', async () => {
	await load('ring')
	await start({ policy: 'edge-only', edge: '/edge/' })
	expect(await names()).toEqual(['ring'])
	await page.evaluate(() => window.runtime.storage.delete('ring'))
	expect(await names()).toEqual([])
	expect(await page.evaluate(async () => (await window.runtime.model('ring').explain()).device)).toBeNull()
})
