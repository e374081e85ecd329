// Pages of contenders: opened, loaded, warm.

import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Standing } from './contenders/contender.ts'

/** Milliseconds for a measurement in the background, which waits until nobody calls, and begins again when the device was busy. */
const patience = 90_000
/** Bursts that a pool of workers is given to grow by. */
const mostBursts = 8
/** Calls of a burst before those that count. */
export const warming = 60

/** A context of its own is a browser profile of its own: nothing cached, nothing stored. */
export const freshContext = (browser: Browser): Promise<BrowserContext> => browser.newContext()

/** @throws what the page throws while it loads. */
export async function openPage(context: BrowserContext, address: string): Promise<Page> {
	const page = await context.newPage()
	// A contender that cannot start must end the benchmark, not hang it.
	const broken = new Promise<never>((_, reject) => page.on('pageerror', (error) => reject(new Error(`${address}: ${error.message}`))))
	// Later errors fail the call that waits for an answer.
	broken.catch(() => {})
	const loaded = async () => {
		await page.goto(address)
		if (!address.endsWith('/blank.html')) await page.waitForFunction('window.contender ?? window.identity ?? window.creation')
	}
	await Promise.race([broken, loaded()])
	return page
}

/** Calls for nothing, so that WebAssembly tiers up and memory is there. */
export const warm = (page: Page, texts: string[]) => page.evaluate((texts) => window.bench.burst(texts), texts.slice(0, warming))

/** Until the contender has found out how to be fast. @returns what it found, for people. */
export async function settled(page: Page, texts: string[]): Promise<string> {
	await warm(page, texts)
	const deadline = performance.now() + patience
	let standing = await standingOf(page)
	while (standing && !standing.measured && performance.now() < deadline) {
		await page.waitForTimeout(500)
		standing = await standingOf(page)
	}
	return grown(page, texts)
}

/** Until the contender has all its workers. */
export async function grown(page: Page, texts: string[]): Promise<string> {
	await warm(page, texts)
	let standing = await standingOf(page)
	for (let burst = 1; standing && !standing.grown && burst < mostBursts; burst++) {
		await page.evaluate((texts) => window.bench.burst(texts), texts)
		standing = await standingOf(page)
	}
	return standing?.what ?? ''
}

const standingOf = (page: Page): Promise<Standing | undefined> => page.evaluate(() => window.contender.standing?.())
