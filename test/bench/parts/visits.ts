// Whole visits of a page: cold and warm start, first bursts as they come, one call of 200 texts, bytes and memory.

import type { BrowserContext, Page } from 'playwright-core'
import { freshContext, openPage, warm } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, pairedRatio, spread, table } from '../statistics.ts'

const contenders = ['spillway', 'bare', 'transformers'] as const

interface Sample {
	contender: string
	pass: number
	cold: number
	warm: number
	bytes: number
	each: number
	all: number
	loaded: number
	disposed: number
}

type Figure = Exclude<keyof Sample, 'contender' | 'pass'>

const rows: [Figure, string, number][] = [
	['cold', 'cold: ms to the first vector', 1],
	['warm', 'warm: ms to the first vector', 1],
	['each', '200 concurrent calls just after the load, sentences/s', 1],
	['all', 'one call of 200 just after the load, sentences/s', 1],
	['bytes', 'MB before the first vector', 1e-6],
	['loaded', 'MB of memory, loaded', 1e-6],
	['disposed', 'MB of memory, disposed', 1e-6],
]

export const visits: Part = async ({ browser, server, passes, texts, say }) => {
	const samples: Sample[] = []
	// The browser's own start is no contender's.
	const first = await freshContext(browser)
	await timeToFirst(first, `${server.origin}/bare.html`, texts[0] as string)
	await first.close()
	for (let pass = 0; pass < passes; pass++) {
		for (const contender of rotated(contenders, pass)) {
			const address = `${server.origin}/${contender}.html`
			const context = await freshContext(browser)
			server.take()
			const cold = await timeToFirst(context, address, texts[0] as string)
			const bytes = server.take()
			const warm = await timeToFirst(context, address, texts[0] as string)
			const { each, before, loaded, disposed } = await burstWithMemory(context, address, texts)
			const all = await oneCall(context, address, texts)
			await context.close()
			samples.push({ contender, pass, cold, warm, bytes, each, all, loaded: loaded - before, disposed: disposed - before })
			say(`pass ${pass + 1} ${contender}: cold ${figure(cold)} ms, warm ${figure(warm)} ms, ${figure(each)} and ${figure(all)} sentences/s`)
		}
	}
	const of = (contender: string, name: Figure, scale: number) =>
		samples.filter((sample) => sample.contender === contender).map((sample) => sample[name] * scale)
	const cells = rows.map(([name, label, scale]) => {
		const base = of('bare', name, scale)
		return [
			label,
			...contenders.map((contender) => {
				const values = of(contender, name, scale)
				return `${spread(values)}; ${figure(pairedRatio(values, base))}`
			}),
		]
	})
	return { text: `Median (range); median of the ratios to bare, pass by pass.\n\n${table(['', ...contenders], cells)}`, samples }
}

/** Time to the first vector in a fresh page of this context. */
async function timeToFirst(context: BrowserContext, address: string, text: string): Promise<number> {
	const page = await openPage(context, address)
	const first = await page.evaluate((text) => window.bench.first(text), text)
	await page.close()
	return first
}

/** Throughput of concurrent calls once warm; bytes (JavaScript and WebAssembly, page and workers) before loading, loaded, disposed. */
async function burstWithMemory(context: BrowserContext, address: string, texts: string[]) {
	const page = await openPage(context, new URL('/blank.html', address).href)
	const before = await memory(page)
	await page.goto(address)
	await page.waitForFunction('window.contender')
	await warm(page, texts)
	const { rate: each } = await page.evaluate((texts) => window.bench.burst(texts), texts)
	const loaded = await memory(page)
	await page.evaluate(() => window.contender.dispose())
	await page.waitForTimeout(200)
	const disposed = await memory(page)
	await page.close()
	return { each, before, loaded, disposed }
}

/** Throughput of one call with all texts, in a page of its own: one that pads all to the longest takes gigabytes. */
async function oneCall(context: BrowserContext, address: string, texts: string[]): Promise<number> {
	const page = await openPage(context, address)
	await warm(page, texts)
	const all = await page.evaluate((texts) => window.bench.array(texts), texts)
	await page.close()
	return all
}

const memory = (page: Page): Promise<number> =>
	page.evaluate(async () => {
		const measure = (performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> })
			.measureUserAgentSpecificMemory
		return (await measure.call(performance)).bytes
	})
