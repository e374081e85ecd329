// A page that loads and disposes again and again, and what the browser says that it takes.

import type { CDPSession, Page } from 'playwright-core'
import { expect } from 'vitest'
import { getBrowser } from './launch.ts'
import { addMinilm, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'

/** A page whose memory is measured. */
export interface MeasuredPage {
	readonly page: Page
	readonly trust: string[]
	/** Bytes of JavaScript and WebAssembly, page and workers. */
	memory(): Promise<number>
}

/** Opens it, with the tiny models and the shipped one. */
export async function openMeasured(): Promise<MeasuredPage> {
	// Readings that wait for the browser's own garbage collection take 10 to 20 s each.
	const browser = await getBrowser(['--enable-blink-features=ForceEagerMeasureMemory'])
	const models = await packModels()
	await addMinilm(models)
	const page = await openPage(browser, await staticHost(models, { isolated: true }))
	const devtools: CDPSession = await page.context().newCDPSession(page)
	return {
		page,
		trust: models.trust,
		async memory() {
			await devtools.send('HeapProfiler.collectGarbage')
			return page.evaluate(async () => {
				const { measureUserAgentSpecificMemory: measure } = performance as unknown as {
					measureUserAgentSpecificMemory(): Promise<{ bytes: number }>
				}
				return (await measure.call(performance)).bytes
			})
		},
	}
}

/**
 * Loads a model, lets it answer, and disposes of it all, so many times: memory must not grow, and no worker may be left.
 *
 * @param settled cycles between two readings; what a page allocates once is allocated by the first.
 */
export async function cyclesKeepMemory({ page, trust, memory }: MeasuredPage, cycles: number, settled: number): Promise<void> {
	const readings: { after: number; bytes: number }[] = []
	for (let count = 1; count <= cycles; count++) {
		// Threads hold a lock until they are gone.
		expect(await cycle(page, trust)).toEqual([])
		if (count % settled === 0) readings.push({ after: count, bytes: await memory() })
	}
	await expect.poll(() => page.workers().length).toBe(0)
	const [first] = readings
	for (const { after, bytes } of readings) expect(bytes, `after ${after} cycles`).toBeLessThan(1.05 * (first?.bytes ?? 0))
}

/** @returns the names of the locks that are left. */
const cycle = (page: Page, trust: string[]): Promise<string[]> =>
	page.evaluate(async (trust) => {
		const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		const model = await runtime.load('tiny-text')
		await Promise.all([model.embed(['hello world', 'red']), model.embed(['blue'])])
		await runtime.dispose()
		const { held = [], pending = [] } = await navigator.locks.query()
		return [...held, ...pending].flatMap(({ name }) => name ?? [])
	}, trust)
