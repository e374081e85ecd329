// One engine for all tabs of an origin, in real tabs: closed, killed, frozen, disposed.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { blockSession, staticHost } from './page.ts'
import type { Site } from './site.ts'
import { openTabs, processOf, type Tabs } from './tabs-open.ts'

declare global {
	interface Window {
		outcomes: Promise<string[]>
	}
}

let browser: Browser
let models: Models
let site: Site
let tabs: Tabs
beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await staticHost(models)
})
afterEach(() => tabs?.close())

const open = async (count: number) => {
	// One session worker, so that calls wait when it is held.
	tabs = await openTabs(browser, site, count, { trust: models.trust, workers: 1, threads: 1 })
}

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

const embed = (page: Page) =>
	page.evaluate(async () => {
		const { vectors } = await window.runtime.model('tiny-text').embed(['hello world'])
		return vectors.map((vector) => [...vector])
	})

const embedInAll = async () => {
	for (const vectors of await Promise.all(tabs.pages.map(embed))) expect(vectors).toEqual([hello])
}

const explain = async (page: Page) => (await page.evaluate(() => window.runtime.model('tiny-text').explain())).device?.report

/** Calls that wait: so many from each tab. The returned function gives what became of them. */
async function ask(pages: Page[], count: number) {
	for (const page of pages)
		await page.evaluate((count) => {
			const model = window.runtime.model('tiny-text')
			const one = async () => {
				const told = await window.errorOf(model.embed(['hello world']))
				return told === 'none' ? 'answered' : `${told.code}: ${told.message}`
			}
			window.outcomes = Promise.all(Array.from({ length: count }, one))
		}, count)
	return async () => (await Promise.all(pages.map((page) => page.evaluate(() => window.outcomes)))).flat()
}

const one = ['engine.js', 'session.js']

describe('five tabs', () => {
	test('have one engine and one set of session workers', async () => {
		await open(5)
		await embedInAll()
		expect(tabs.workers()).toEqual(one)
		const reports = await Promise.all(tabs.pages.map(explain))
		expect(reports.map((report) => report?.tabs?.count)).toEqual([5, 5, 5, 5, 5])
		expect(reports.filter((report) => report?.tabs?.leads)).toHaveLength(1)
		expect(reports.flatMap((report) => report?.notes)).toEqual([])
	})

	test('load a model once, and each is told how far it is', async () => {
		await open(5)
		const before = site.asked.length
		const phases = await Promise.all(
			tabs.pages.map((page) =>
				page.evaluate(async () => {
					const told: string[] = []
					await window.runtime.load('tiny-text', { onProgress: ({ phase }) => told.push(phase) })
					return told.at(-1)
				}),
			),
		)
		expect(phases).toEqual(Array(5).fill('ready'))
		const chunks = site.asked.slice(before).filter((path) => path.includes('/chunks/'))
		expect(new Set(chunks).size).toBe(chunks.length)
	})

	test('with other settings: an engine of their own', async () => {
		await open(2)
		await tabs.open({ maxBatch: 4 })
		await tabs.open({ shared: false })
		await embedInAll()
		expect(tabs.workers()).toEqual(['engine.js', 'engine.js', 'engine.js', 'session.js', 'session.js', 'session.js'])
	})
})

describe('50 calls of four tabs wait, and the leader', () => {
	test.each<[string, (leader: Page) => Promise<unknown>]>([
		['is closed', (leader) => leader.close()],
		['follows a link', (leader) => leader.goto('about:blank')],
		['is reloaded', (leader) => leader.reload()],
		['disposes its runtime', (leader) => leader.evaluate(() => window.runtime.dispose())],
		[
			'is killed',
			async (leader) => {
				const cdp = await leader.context().newCDPSession(leader)
				const crashed = leader.waitForEvent('crash')
				cdp.send('Page.crash').catch(() => {})
				await crashed
			},
		],
		[
			'loses its engine',
			(leader) =>
				leader
					.workers()
					.find((worker) => worker.url().endsWith('engine.js'))
					?.evaluate(() => self.close()) as Promise<void>,
		],
	])('%s: none is lost', async (_, end) => {
		await open(5)
		await embedInAll()
		const [leader, guests] = [await tabs.leader(), await tabs.guests()]
		await blockSession(leader, 3000)
		const settled = await ask(guests, 13)
		await end(leader)
		expect(new Set(await settled())).toEqual(new Set(['answered']))
		await expect.poll(() => tabs.workers()).toEqual(one)
		const reports = await Promise.all(guests.map(explain))
		expect(reports.filter((report) => report?.tabs?.leads).length).toBeLessThanOrEqual(1)
	})

	test('freezes: none is lost; when it wakes, it is one of the others', async () => {
		await open(5)
		await embedInAll()
		const [leader, guests] = [await tabs.leader(), await tabs.guests()]
		const frozen = await processOf(leader)
		await blockSession(leader, 3000)
		const settled = await ask(guests, 13)
		process.kill(frozen, 'SIGSTOP')
		try {
			expect(new Set(await settled())).toEqual(new Set(['answered']))
			expect(new Set((await Promise.all(guests.map(explain))).map((report) => report?.tabs?.count))).toEqual(new Set([4]))
		} finally {
			process.kill(frozen, 'SIGCONT')
		}
		await expect.poll(() => tabs.workers()).toEqual(one)
		expect(await tabs.leader()).not.toBe(leader)
		await embedInAll()
		expect((await explain(leader))?.tabs).toEqual({ count: 5, leads: false })
	})
})

describe('what one tab gives up, others keep', () => {
	test('a guest disposes its runtime, is closed, is killed', async () => {
		await open(5)
		await embedInAll()
		const leader = await tabs.leader()
		const [a, b, c, d] = (await tabs.guests()) as [Page, Page, Page, Page]
		await a.evaluate(() => window.runtime.dispose())
		await b.close()
		const cdp = await c.context().newCDPSession(c)
		cdp.send('Page.crash').catch(() => {})
		await expect.poll(async () => (await explain(d))?.tabs?.count).toBe(2)
		const before = site.asked.length
		expect([await embed(leader), await embed(d)]).toEqual([[hello], [hello]])
		expect(site.asked.slice(before)).toEqual([])
	})

	test('the leader disposes its runtime: its workers go, the next call of another tab has the model again', async () => {
		await open(2)
		await embedInAll()
		const leader = await tabs.leader()
		const [guest] = (await tabs.guests()) as [Page]
		await leader.evaluate(() => window.runtime.dispose())
		expect(await embed(guest)).toEqual([hello])
		await expect.poll(() => leader.workers().length).toBe(0)
		await expect.poll(() => tabs.workers()).toEqual(one)
	})
})
