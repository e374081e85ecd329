// The shipped model on WebGPU, by the runtime's own session code. A software adapter computes: right, but slowly.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build as bundle } from 'vite'
import { beforeAll, expect, test } from 'vitest'
import { dot, largestDifference } from '../../models/tools/minilm/measure.ts'
import { build } from '../../models/tools/pack/build.ts'
import { readSource } from '../../models/tools/pack/source.ts'
import { getBrowser } from '../browser/launch.ts'
import { serveSite } from '../browser/site.ts'
import { atEnd } from '../fixtures/at-end.ts'
import type { EmbedCall, Embedded } from './pages/webgpu/worker.ts'

const minilm = join(import.meta.dirname, '../../models/minilm')
const flags = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

let page: Page

beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-webgpu-'))
	atEnd(() => rm(folder, { recursive: true }))
	await bundle({
		configFile: false,
		logLevel: 'error',
		root: join(import.meta.dirname, 'pages/webgpu'),
		worker: { format: 'es' },
		build: { outDir: folder, emptyOutDir: true, target: 'es2022' },
	})
	const { manifest, digest } = await build(await readSource(minilm))
	const site = await serveSite({
		mounts: { '/': `${folder}/`, '/minilm/': `${minilm}/`, '/manifest.json': { text: JSON.stringify({ manifest, digest }) } },
	})
	const browser = await getBrowser(flags)
	page = await browser.newPage()
	await page.goto(`${site.origin}/index.html`)
	await page.waitForFunction(() => 'webgpu' in window)
})

test('answers the golden samples within the tolerance, on the GPU', { timeout: 250_000 }, async () => {
	await page.evaluate(() => window.webgpu.load())
	// Six samples; what ONNX Runtime leaves to the CPU, such as shapes, is little.
	expect(await page.evaluate(() => window.webgpu.dispatches())).toBeGreaterThan(6 * 100)
})

test('comes within 0.998 of the fp32 model with each of ten texts', async () => {
	const items = await shortReference()
	const [answer] = await embed([{ model: 0, texts: items.map(({ text }) => text) }])
	expect(answer?.ran).toMatchObject({ executor: 'device', provider: 'webgpu', variant: 'int8' })
	const cosines = items.map(({ vector }, index) => dot(Float32Array.from(vector), answer?.vectors[index] as Float32Array))
	expect(cosines).toHaveLength(10)
	expect(Math.min(...cosines), String(cosines)).toBeGreaterThanOrEqual(0.998)
})

// ONNX Runtime 1.30 hangs for ever, its thread blocked, where runs overlap: the session must let them wait for one another.
test('answers calls that overlap, on one session and on two', async () => {
	await page.evaluate(() => window.webgpu.load(true))
	const calls: EmbedCall[] = [
		{ model: 0, texts: ['hello'] },
		{ model: 0, texts: ['red'] },
		{ model: 1, texts: ['hello'] },
	]
	const alone: Awaited<ReturnType<typeof embed>> = []
	for (const call of calls) alone.push(...(await embed([call])))
	const together = await embed(calls)
	expect(together).toHaveLength(calls.length)
	for (const [index, { vectors }] of together.entries())
		expect(largestDifference(vectors[0] as Float32Array, alone[index]?.vectors[0] as Float32Array)).toBeLessThan(1e-5)
})

/** What leaves the page is plain numbers: they are made vectors again. */
async function embed(calls: EmbedCall[]): Promise<{ vectors: Float32Array[]; ran: Embedded['ran'] }[]> {
	const answers = await page.evaluate((calls) => window.webgpu.embed(calls), calls)
	return answers.map(({ vectors, ran }) => ({ vectors: vectors.map((vector) => Float32Array.from(vector)), ran }))
}

/** The first ten of the reference's texts with at most 16 tokens. */
async function shortReference() {
	const file = await readFile(join(import.meta.dirname, '../fixtures/minilm-reference.json'), 'utf8')
	const { items } = JSON.parse(file) as { items: { text: string; ids: number[]; vector: number[] }[] }
	return items.filter(({ ids }) => ids.length <= 16).slice(0, 10)
}
