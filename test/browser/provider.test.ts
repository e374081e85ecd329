// Which execution provider answers, and what happens when it fails: in a real browser, with WebGPU on a software adapter.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { float32 } from '../../models/tools/onnx/tensor.ts'
import { ringReference } from '../fixtures/ring/make.ts'
import { filesOf, pixelDescription } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, runtimeFolder, staticHost } from './page.ts'
import { changeKept, chosen, filter, gpuFlags, load, servingOf } from './provider-page.ts'
import type { Site } from './site.ts'

/** One worker of one thread, so that WebGPU alone is tried beside it. */
const tried = { providers: ['wasm', 'webgpu'], workers: 1, threads: 1 } as const

let browser: Browser
let models: Models
let site: Site
let page: Page

beforeAll(async () => {
	models = await packModels()
	const { graphs, ...variant } = pixelDescription().variants.fp32 as NonNullable<ReturnType<typeof pixelDescription>['variants'][string]>
	// Adds two where one is to be added.
	const wrong = new GraphBuilder({ name: 'wrong', opset: 20 })
	const pixels = wrong.input('pixels', 'FP32', [1, 2, 3])
	wrong.output('brighter', wrong.node('Add', [pixels, wrong.constant('two', float32([1], [2]))]), 'FP32', [1, 2, 3])
	const webgpu = { file: 'wrong.onnx', external: [], tolerance: { absolute: 0.01 } }
	const description = { ...pixelDescription(), model: 'wrong', variants: { fp32: { ...variant, graphs: { ...graphs, webgpu } } } }
	await models.add(description, { ...filesOf(pixelDescription()), 'wrong.onnx': wrong.build() })
	browser = await getBrowser(gpuFlags)
	site = await staticHost(models)
})
afterEach(async () => {
	site.fault = undefined
	if (page?.context() === remembering) await page?.close()
	else await page?.context().close()
})

/** A profile that remembers WebGPU as the best: as if it had been on another device, for a software adapter never is. */
let remembering: BrowserContext | undefined

async function openRemembering(): Promise<void> {
	if (remembering) {
		page = await remembering.newPage()
		await page.goto(site.origin)
	} else {
		page = await openPage(browser, site)
		await load(page, models, 'ring', tried)
		await chosen(page, 'ring')
		await remember()
		await page.reload()
	}
	await page.waitForFunction(() => 'spillway' in window)
}

/** Measuring takes seconds: the profile of a page that has measured the ring is used from then on. */
async function remember(): Promise<void> {
	await changeKept(page, { gain: 9 })
	remembering = page.context()
}

/** Loads the ring, and waits until WebGPU has taken over. */
async function serveByWebgpu(): Promise<void> {
	await openRemembering()
	await load(page, models, 'ring', tried)
	await expect.poll(async () => (await servingOf(page, 'ring')).provider, { timeout: 60_000 }).toBe('webgpu')
}

const providers = (answers: { provider: string | null }[]) => [...new Set(answers.map(({ provider }) => provider))]

function expectRight(answers: { filtered: number[] }[], samples: number): void {
	for (const [index, { filtered }] of answers.entries()) {
		const signal = Float32Array.from({ length: samples }, (_, at) => Math.sin(at * (index + 1)))
		const expected = ringReference(signal, 1).filtered
		expect(filtered).toHaveLength(samples)
		expect(Math.max(...filtered.map((value, at) => Math.abs(value - (expected[at] as number))))).toBeLessThan(1e-2)
	}
}

test('without leave nothing is downloaded for a trial, and no GPU is asked for', { timeout: 60_000 }, async () => {
	page = await openPage(browser, site)
	site.asked.length = 0
	await load(page, models, 'wrong', { workers: 1, threads: 1 })
	const serving = await chosen(page, 'wrong')
	expect(serving).toMatchObject({ provider: 'wasm', trials: [], why: 'there is no other choice here' })
	expect(site.asked.filter((path) => /gpu|jspi/.test(path))).toEqual([])
	const chunks = site.asked.filter((path) => path.includes('/chunks/')).length
	await load(page, models, 'wrong', tried)
	await chosen(page, 'wrong')
	expect(site.asked.filter((path) => /gpu|jspi/.test(path)).sort()).toEqual([
		'/spillway/gpu-jspi.js',
		'/spillway/ort-wasm-simd-threaded.jspi.wasm',
	])
	expect(site.asked.filter((path) => path.includes('/chunks/'))).toHaveLength(chunks + 1)
})

test('wasm serves first; WebGPU is measured beside it, and explained with figures', { timeout: 180_000 }, async () => {
	page = await openPage(browser, site)
	await load(page, models, 'ring', tried)
	expect(await servingOf(page, 'ring')).toMatchObject({ provider: 'wasm', workers: 1, most: 1 })
	site.asked.length = 0
	const serving = await chosen(page, 'ring')
	// Under device-only not even for trials.
	expect(site.asked).toEqual([])
	expect(serving.provider).toBe('wasm')
	expect(serving.why).toMatch(/^measured: 1\.00 times .*webgpu 0\.\d\d times/)
	const trial = serving.trials.find(({ provider }) => provider === 'webgpu')
	expect(trial).toMatchObject({ build: 'jspi', golden: 'passed', verdict: expect.stringMatching(/^not faster: 0\.\d\d times/) })
	expect(trial?.rate).toBeGreaterThan(0)
	expect(trial?.latency).toBeGreaterThan(0)
	// Kept: the next load measures nothing.
	await page.reload()
	await page.waitForFunction(() => 'spillway' in window)
	site.asked.length = 0
	await load(page, models, 'ring', tried)
	expect(await chosen(page, 'ring')).toEqual(serving)
	await remember()
})

test('in a cross-origin isolated page threads are measured, too, and whoever wins answers; nothing is asked of the network for that', {
	timeout: 180_000,
}, async () => {
	const isolated = await staticHost(models, { isolated: true })
	page = await openPage(browser, isolated)
	// Several workers are measured elsewhere, and once more after some seconds where they seem no better than one.
	await load(page, models, 'ring', { workers: 1 })
	isolated.asked.length = 0
	const { trials, threads, workers, why } = await chosen(page, 'ring')
	const cores = await page.evaluate(() => navigator.hardwareConcurrency)
	const threaded = trials.find((trial) => trial.threads > 1)
	if (cores > 1) expect(threaded).toMatchObject({ provider: 'wasm', golden: 'passed', rate: expect.any(Number) })
	expect(why).toMatch(/^(measured|there is no other choice)/)
	expect(threads * workers).toBeGreaterThanOrEqual(1)
	const answers = await filter(page, 20, 64)
	expect(providers(answers)).toEqual(['wasm'])
	expectRight(answers, 64)
	expect(isolated.asked).toEqual([])
})

test('a provider that computes something else is rejected, with figures', { timeout: 60_000 }, async () => {
	page = await openPage(browser, site)
	await load(page, models, 'wrong', tried)
	const { provider, trials, why } = await chosen(page, 'wrong')
	expect(provider).toBe('wasm')
	expect(why).toBe('measured: nothing else can serve here')
	expect(trials.find(({ provider }) => provider === 'webgpu')).toMatchObject({
		golden: 'failed',
		rate: null,
		verdict: expect.stringMatching(
			/computes wrongly on webgpu here: golden sample "a ramp": brighter row 0: element 0 is off by 1, more than 0\.01/,
		),
	})
})

test('what was remembered to be best takes over; calls that overlap are answered; so they are after a new load', {
	timeout: 180_000,
}, async () => {
	await serveByWebgpu()
	expect((await servingOf(page, 'ring')).why).toMatch(/^measured: 9\.00 times/)
	const answers = await filter(page, 12, 64)
	expect(providers(answers)).toEqual(['webgpu'])
	expectRight(answers, 64)
	await page.evaluate(() => window.runtime.dispose())
	await load(page, models, 'ring', tried)
	await expect.poll(async () => (await servingOf(page, 'ring')).provider, { timeout: 60_000 }).toBe('webgpu')
	const again = await filter(page, 6, 64)
	expect(providers(again)).toEqual(['webgpu'])
	expectRight(again, 64)
})

test('a device that is destroyed in mid-run: every call is answered, by the next provider', { timeout: 180_000 }, async () => {
	const script = await readFile(join(runtimeFolder, 'gpu-jspi.js'), 'utf8')
	const hold = `{ const { requestDevice } = GPUAdapter.prototype
		GPUAdapter.prototype.requestDevice = async function (...options) { return (self.gpuDevice = await requestDevice.apply(this, options)) } }`
	site.fault = (path, response) => {
		if (!path.endsWith('/gpu-jspi.js')) return false
		response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(`${hold}\n${script}`)
		return true
	}
	await serveByWebgpu()
	const answers = filter(page, 6, 2048)
	const worker = page.workers().find((one) => one.url().endsWith('gpu-jspi.js'))
	await worker?.evaluate(() => (self as unknown as { gpuDevice: GPUDevice }).gpuDevice.destroy())
	const settled = await answers
	expect(providers(settled.slice(-1))).toEqual(['wasm'])
	expectRight(settled, 2048)
	const serving = await servingOf(page, 'ring')
	expect(serving.provider).toBe('wasm')
	expect(serving.why).toMatch(/^webgpu failed: the GPU's device was lost \(destroyed\)/)
	expect(serving.trials.find(({ provider }) => provider === 'webgpu')?.verdict).toMatch(/^failed: /)
})

test('a crash of the GPU process in mid-run: every call is answered, by the next provider', { timeout: 180_000 }, async () => {
	await serveByWebgpu()
	const answers = filter(page, 6, 2048)
	const devtools = await browser.newBrowserCDPSession()
	await devtools.send('Browser.crashGpuProcess').catch(() => {})
	const settled = await answers
	expect(providers(settled.slice(-1))).toEqual(['wasm'])
	expectRight(settled, 2048)
	expect((await servingOf(page, 'ring')).why).toMatch(/^webgpu failed: /)
})

test('what was measured on another adapter is not used', { timeout: 180_000 }, async () => {
	await openRemembering()
	const other = JSON.stringify({ vendor: 'another', architecture: '', device: '', description: '' })
	await changeKept(page, { gain: 9, device: other })
	await load(page, models, 'ring', tried)
	const { provider, trials } = await chosen(page, 'ring')
	expect(provider).toBe('wasm')
	expect(trials.find(({ provider }) => provider === 'webgpu')?.verdict).toMatch(/^not faster: 0\.\d\d times/)
})

test('a call that comes in while others are measured is answered at once, and what it broke off is begun again', {
	timeout: 120_000,
}, async () => {
	page = await openPage(browser, site)
	await load(page, models, 'ring', { workers: 2, threads: 1, policy: 'prefer-device' })
	for (let turn = 0; turn < 4; turn++) {
		await new Promise((resolve) => setTimeout(resolve, 1200))
		expect(providers(await filter(page, 1, 16))).toEqual(['wasm'])
	}
	expect((await chosen(page, 'ring')).why).toMatch(/^(measured|there is no other choice)/)
})
