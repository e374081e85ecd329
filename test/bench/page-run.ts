// One visit of a page under measurement: what it took, in the page's own clock.

import type { Browser, BrowserContext, Page } from 'playwright-core'

export interface Concurrent {
	/** Sentences per second: one call for each text, all at once. */
	each: number
	/** Bytes (JavaScript and WebAssembly, page and workers): before loading, loaded, disposed. */
	memory: { before: number; loaded: number; disposed: number }
}

const memory = (page: Page): Promise<number> =>
	page.evaluate(async () => {
		const measure = (performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> })
			.measureUserAgentSpecificMemory
		return (await measure.call(performance)).bytes
	})

async function open(context: BrowserContext, address: string): Promise<Page> {
	const page = await context.newPage()
	// A contender that cannot start must end the benchmark, not hang it.
	const broken = new Promise<never>((_, reject) => page.on('pageerror', (error) => reject(new Error(`${address}: ${error.message}`))))
	await Promise.race([
		broken,
		page.goto(address).then<unknown>(() => address.endsWith('/blank.html') || page.waitForFunction('window.contender')),
	])
	return page
}

/** Time to the first vector in a fresh page of this context. */
export async function timeToFirst(context: BrowserContext, address: string, text: string): Promise<number> {
	const page = await open(context, address)
	const first = await page.evaluate(async (text) => {
		const vector = await window.contender.first(text)
		if (Math.abs(Math.hypot(...vector) - 1) > 1e-3) throw new Error('the first vector is not normalised')
		return performance.now()
	}, text)
	await page.close()
	return first
}

/** Throughput of concurrent calls once warm, and the memory that they leave. Checks that all vectors came. */
export async function concurrent(context: BrowserContext, address: string, texts: string[]): Promise<Concurrent> {
	const page = await open(context, new URL('/blank.html', address).href)
	const before = await memory(page)
	await page.goto(address)
	await page.waitForFunction('window.contender')
	const each = await throughput(page, 'each', texts)
	const loaded = await memory(page)
	await page.evaluate(() => window.contender.dispose())
	await page.waitForTimeout(200)
	const disposed = await memory(page)
	await page.close()
	return { each, memory: { before, loaded, disposed } }
}

/** Throughput of one call with all texts, in a page of its own: one that pads all to the longest takes gigabytes. */
export async function oneCall(context: BrowserContext, address: string, texts: string[]): Promise<number> {
	const page = await open(context, address)
	const all = await throughput(page, 'all', texts)
	await page.close()
	return all
}

/** Sentences per second. Not counted before: WebAssembly tiers up, and the first runs allocate. */
const throughput = (page: Page, way: 'each' | 'all', texts: string[]): Promise<number> =>
	page.evaluate(
		async ({ way, texts }) => {
			const { contender } = window
			await contender.each(texts.slice(0, 60))
			const start = performance.now()
			const vectors = await contender[way](texts)
			if (vectors.length !== texts.length || vectors.some((vector) => vector.length !== 384)) throw new Error('vectors are missing')
			return (texts.length * 1000) / (performance.now() - start)
		},
		{ way, texts },
	)

/** A context of its own is a browser profile of its own: nothing cached, nothing stored. */
export const freshContext = (browser: Browser): Promise<BrowserContext> => browser.newContext()
