// Memory is given back: a page that loads and disposes again and again stays as it is.

import { join } from 'node:path'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pack } from '../../models/tools/pack/pack.ts'
import { getBrowser } from './launch.ts'
import { packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'

const cycles = 100
/** What a page allocates once is allocated by then. */
const settled = 20

let page: Page
let devtools: CDPSession
let trust: string[]

beforeAll(async () => {
	// Readings that wait for the browser's own garbage collection take 10 to 20 s each.
	const browser = await getBrowser(['--enable-blink-features=ForceEagerMeasureMemory'])
	const models = await packModels()
	await pack(join(import.meta.dirname, '../../models/minilm'), models.folder, { key: models.key })
	trust = models.trust
	page = await openPage(browser, await staticHost(models, { isolated: true }))
	devtools = await page.context().newCDPSession(page)
})
afterAll(() => page?.context().close())

/** Bytes of JavaScript and WebAssembly, page and workers. */
async function memory(): Promise<number> {
	await devtools.send('HeapProfiler.collectGarbage')
	return page.evaluate(async () => {
		const { measureUserAgentSpecificMemory: measure } = performance as unknown as {
			measureUserAgentSpecificMemory(): Promise<{ bytes: number }>
		}
		return (await measure.call(performance)).bytes
	})
}

/** Loads a model, lets it answer, and disposes of it all. */
const cycle = (): Promise<string[]> =>
	page.evaluate(async (trust) => {
		const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		const model = await runtime.load('tiny-text')
		await Promise.all([model.embed(['hello world', 'red']), model.embed(['blue'])])
		await runtime.dispose()
		const { held = [], pending = [] } = await navigator.locks.query()
		return [...held, ...pending].flatMap(({ name }) => name ?? [])
	}, trust)

test(`${cycles} times loaded and disposed of: memory does not grow, and no worker is left`, { timeout: 600_000 }, async () => {
	const readings: { after: number; bytes: number }[] = []
	for (let count = 1; count <= cycles; count++) {
		// Threads hold a lock until they are gone.
		expect(await cycle()).toEqual([])
		if (count % settled === 0) readings.push({ after: count, bytes: await memory() })
	}
	await expect.poll(() => page.workers().length).toBe(0)
	const [first] = readings
	for (const { after, bytes } of readings) expect(bytes, `after ${after} cycles`).toBeLessThan(1.05 * (first?.bytes ?? 0))
})

// Chromium 156 takes exactly a minute for a reading now and then, when a worker has just ended.
test('what explain tells of the shipped model is what the browser measures, and nothing is held twice', { timeout: 300_000 }, async () => {
	const before = await memory()
	const told = await page.evaluate(async (trust) => {
		window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', workers: 1 })
		const model = await window.runtime.load('minilm')
		await model.embed(['how do I reset my password?'], { deadline: 120_000 })
		return (await model.explain()).device?.report?.memory.model ?? 0
	}, trust)
	// The engine's own scripts and tokenizer come to it: some megabytes. The weights are 23.
	const measured = (await memory()) - before
	expect(measured).toBeGreaterThan(0.85 * told)
	expect(measured).toBeLessThan(told + 12e6)
	await page.evaluate(() => window.runtime.dispose())
	expect(await memory()).toBeLessThan(before + 1e6)
})
