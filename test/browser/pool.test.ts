// The engine's pool with real session workers: threads where the page is isolated, several workers where it is not, and what becomes of those that die.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build as bundle } from 'vite'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { build } from '../../models/tools/pack/build.ts'
import { readSource } from '../../models/tools/pack/source.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { makeRing, ringReference } from '../fixtures/ring/make.ts'
import { getBrowser } from './launch.ts'
import { builtAs, runtimeFolder } from './page.ts'
import type { Outcome, Settings } from './pages/pool/page.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
let folder: string
let model: Pick<Settings, 'manifest' | 'digest' | 'variant'>
let page: Page

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-pool-'))
	atEnd(() => rm(folder, { recursive: true }))
	await bundle({
		configFile: false,
		logLevel: 'error',
		// What starts these workers must be of their build.
		define: { __SPILLWAY_BUILD__: JSON.stringify(await builtAs()) },
		root: join(import.meta.dirname, 'pages/pool'),
		build: { outDir: join(folder, 'page'), emptyOutDir: true, target: 'es2022' },
	})
	const { manifest, digest } = await build(await readSource(await makeRing(join(folder, 'ring'))))
	model = { manifest, digest, variant: 'fp32' }
	browser = await getBrowser()
})
afterEach(() => page?.context().close())

const serve = (isolated: boolean): Promise<Site> =>
	serveSite({ isolated, mounts: { '/': `${folder}/page/`, '/ring/': `${folder}/ring/`, '/runtime/': `${runtimeFolder}/` } })

interface Options extends Partial<Pick<Settings, 'most' | 'threads' | 'idle' | 'grace'>> {
	isolated?: boolean
	/** Script and wasm from another origin. */
	elsewhere?: boolean
	fault?: Site['fault']
}

/** Opens a page with a pool of one worker in it. */
async function open({ isolated = false, elsewhere = false, fault, most = 1, threads = 1, ...more }: Options): Promise<void> {
	const site = await serve(isolated)
	const other = elsewhere ? await serve(isolated) : site
	other.fault = fault
	page = await (await browser.newContext()).newPage()
	await page.goto(`${site.origin}/index.html`)
	await page.waitForFunction(() => 'pool' in window)
	expect(await page.evaluate(() => self.crossOriginIsolated)).toBe(isolated)
	await page.evaluate((settings) => window.pool.open(settings), {
		...model,
		...more,
		script: `${other.origin}/runtime/session.js`,
		files: `${site.origin}/ring/`,
		most,
		threads,
	})
}

const signalOf = (samples: number, seed: number) => Array.from({ length: samples }, (_, at) => Math.fround(Math.sin(at * seed + seed)))
const signals = Array.from({ length: 12 }, (_, at) => signalOf(500 + 20 * at, at + 1))
const expected = signals.map((signal) => ringReference(signal, 2).filtered)
const long = Array.from({ length: 24 }, (_, at) => signalOf(2048, at + 1))

const state = () => page.evaluate(() => window.pool.state())
const infer = (signals: number[][]) => page.evaluate((signals) => window.pool.infer(signals), signals)

const outcomes = (calls: readonly Outcome[]) => calls.map(({ outcome }) => outcome)

/** Calls with these signals are answered rightly. */
async function answers(): Promise<void> {
	for (const [at, { outcome, numbers }] of (await infer(signals)).entries()) {
		expect(outcome).toBe('answered')
		const filtered = expected[at] ?? []
		for (const sample of [0, 99, filtered.length - 1]) expect(numbers[sample]).toBeCloseTo(filtered[sample] as number, 2)
	}
}

const disposed = async () => {
	await page.evaluate(() => window.pool.dispose())
	// Chromium gives a thread that waits in WebAssembly two seconds before it ends it.
	await expect.poll(() => page.workers().length).toBe(0)
	// The lock that tells of it may be given up a little later.
	await expect.poll(async () => (await state()).told.every(({ gone }) => gone)).toBe(true)
}

describe('threads, in a cross-origin isolated page', () => {
	test.each([
		['script of the page’s origin', false],
		['script of another origin', true],
	])('%s: ONNX Runtime computes with two, which end with their worker', async (_, elsewhere) => {
		await open({ isolated: true, elsewhere, threads: 2 })
		const { threads, notes, memory } = await state()
		expect({ threads, notes }).toEqual({ threads: [2], notes: [undefined] })
		expect(memory).toBeGreaterThan(10e6)
		expect(page.workers()).toHaveLength(2)
		await answers()
		await disposed()
	})

	test('that cannot be started: it computes with one, and says why', async () => {
		let scripts = 0
		const fault: Site['fault'] = (path, response) => {
			if (!path.endsWith('session.js')) return false
			response.setHeader('Cache-Control', 'no-store')
			// The first is the worker itself, the second its thread, the third the worker that goes without.
			if (++scripts !== 2) return false
			response.writeHead(500).end()
			return true
		}
		await open({ isolated: true, threads: 2, fault })
		const { threads, notes } = await state()
		expect(threads).toEqual([1])
		expect(notes).toEqual([expect.stringMatching(/^computes with one thread, not 2: /)])
		await answers()
		await disposed()
	})
})

describe('without isolation', () => {
	test('threads cannot be had, which is said', async () => {
		await open({ threads: 2 })
		expect(await state()).toMatchObject({ threads: [1], notes: ['computes with one thread, not 2: the page is not cross-origin isolated'] })
		await answers()
	})

	test('a second worker shares the work, and is ended when there is none', async () => {
		await open({ most: 2, idle: 5000 })
		const alone = (await state()).memory
		const calls = await page.evaluate((signals) => window.pool.grow(2, signals), long)
		expect(new Set(outcomes(calls))).toEqual(new Set(['answered']))
		expect((await state()).memory).toBeGreaterThan(1.5 * alone)
		expect(new Set(outcomes(await infer(long)))).toEqual(new Set(['answered']))
		expect((await state()).told[1]?.calls).toBeGreaterThan(3)
		await answers()
		await expect.poll(async () => (await state()).workers).toBe(1)
		await expect.poll(() => page.workers().length).toBe(1)
		await answers()
		await disposed()
	})
})

describe('a worker that ends', () => {
	/** Runs in the first worker, a moment later, so that this here settles before. */
	const inWorker = (script: string) => page.workers()[0]?.evaluate((script) => void setTimeout(script), script)

	test.each([
		['by itself', 'self.close()'],
		['because of an error outside of any call', 'throw new Error("out of its mind")'],
	])('%s: its call is run again, and none is lost', async (_, script) => {
		await open({ most: 2 })
		await answers()
		const calls = infer(long)
		await inWorker(script)
		expect(new Set(outcomes(await calls))).toEqual(new Set(['answered']))
		expect((await state()).told.map(({ gone }) => gone)).toContain(true)
		await answers()
		await disposed()
	})

	test('because it did not come back: later calls are answered by another', async () => {
		await open({ grace: 300 })
		await answers()
		await inWorker('const end = Date.now() + 60000; while (Date.now() < end);')
		// With more time than the grace, it would be answered by the next worker.
		const late = await page.evaluate((signals) => window.pool.infer(signals, 150), [signalOf(4096, 1)])
		expect(outcomes(late)).toEqual(['deadline-exceeded'])
		await answers()
		expect((await state()).told).toHaveLength(2)
		await disposed()
	})
})
