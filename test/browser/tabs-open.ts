// Several tabs of one browser profile, each with a runtime that shares its engine.

import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import type { RuntimeOptions } from '../../runtime/index.ts'
import type { Site } from './site.ts'

export interface Tabs {
	readonly pages: Page[]
	/** Opens one more, in the same profile. */
	open(options?: Partial<RuntimeOptions>): Promise<Page>
	/** The tab that hosts the engine. */
	leader(): Promise<Page>
	/** All but the leader. */
	guests(): Promise<Page[]>
	/** Names of the scripts of all workers in all tabs. */
	workers(): string[]
	close(): Promise<void>
}

/**
 * Opens so many tabs, each with `window.runtime`; no model is loaded.
 *
 * @param options for `createRuntime`, beside `models`, `shared` and `policy`.
 */
export async function openTabs(browser: Browser, site: Site, count: number, options: Partial<RuntimeOptions>): Promise<Tabs> {
	const context = await browser.newContext()
	const tabs: Tabs = {
		pages: [],
		async open(more = {}) {
			const page = await context.newPage()
			if (process.env.SPILLWAY_TEST_LOG) page.on('console', (message) => console.error(`tab ${tabs.pages.length}:`, message.text()))
			await page.goto(site.origin)
			await page.waitForFunction(() => 'spillway' in window)
			await page.evaluate(
				(options) => {
					window.runtime = window.spillway.createRuntime({ models: '/models/', policy: 'device-only', shared: true, ...options })
				},
				{ ...options, ...more },
			)
			tabs.pages.push(page)
			page.on('close', () => tabs.pages.splice(tabs.pages.indexOf(page), 1))
			page.on('crash', () => tabs.pages.splice(tabs.pages.indexOf(page), 1))
			return page
		},
		async leader() {
			const leaders = tabs.pages.filter((page) => page.workers().some((worker) => worker.url().endsWith('engine.js')))
			if (leaders.length !== 1) throw new Error(`${leaders.length} tabs host an engine`)
			return leaders[0] as Page
		},
		async guests() {
			const leader = await tabs.leader()
			return tabs.pages.filter((page) => page !== leader)
		},
		workers: () => tabs.pages.flatMap((page) => page.workers().map((worker) => worker.url().split(/[/#]/).at(-1) as string)).sort(),
		close: () => context.close(),
	}
	for (let i = 0; i < count; i++) await tabs.open()
	return tabs
}

/** The process that a tab and its workers run in: of all of the browser's, the one that computes when the tab does. */
export async function processOf(page: Page): Promise<number> {
	const cdp = await page.context().browser()?.newBrowserCDPSession()
	if (!cdp) throw new Error('the browser is gone')
	const { processInfo } = (await cdp.send('SystemInfo.getProcessInfo')) as { processInfo: { type: string; id: number }[] }
	await cdp.detach()
	const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
	const before = await Promise.all(ids.map(ticksOf))
	await page.evaluate(() => {
		const end = Date.now() + 500
		while (Date.now() < end);
	})
	const after = await Promise.all(ids.map(ticksOf))
	const spent = ids.map((_, i) => (after[i] ?? 0) - (before[i] ?? 0))
	return ids[spent.indexOf(Math.max(...spent))] as number
}

/** Processor time that a process has taken, in clock ticks. */
async function ticksOf(id: number): Promise<number> {
	const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')
	const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12)
	return Number(user) + Number(system)
}
