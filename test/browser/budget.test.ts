// Models share a budget of memory: what does not fit, what makes room for others, and what is told of it.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Description } from '../../models/format/manifest.ts'
import { startLocal } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { lifecyclePage } from './lifecycle-page.ts'
import { blockSession } from './page.ts'

const on = lifecyclePage()
const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

/** Of a tiny model with one worker: enough for one of them, too little for two. */
const oneModel = 45e6

/** The model `ring` for signals of any length, as `wide`: what it computes in is a hundred and twenty-eight times as large as its input. */
async function addWideRing(): Promise<void> {
	const folder = await makeRing(await mkdtemp(join(tmpdir(), 'spillway-ring-')))
	const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)))
	const description = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as Description
	const files = { 'ring.onnx': await read('ring.onnx'), 'ring-weights.bin': await read('ring-weights.bin') }
	await rm(folder, { recursive: true })
	const axes = Object.fromEntries(Object.keys(description.axes).map((name) => [name, {}]))
	await on.models.add({ ...description, model: 'wide', axes }, files)
}

test('explain tells what a model takes, what all take, and what they may take', async () => {
	await on.open({ memory: 400e6 })
	await on.load('tiny-text')
	await on.load('ring')
	const [text, ring] = [await on.report('tiny-text'), await on.report('ring')]
	for (const { memory } of [text, ring]) {
		// ONNX Runtime alone takes 16 MiB.
		expect(memory.model).toBeGreaterThan(16 * 2 ** 20)
		expect(memory).toMatchObject({ budget: 400e6, used: text.memory.model + ring.memory.model })
	}
	expect((await on.report('tiny-pixels')).memory).toMatchObject({ model: 0 })
})

test('a model that is not needed now makes room for another, and is there again with the next call', async () => {
	await on.open({ memory: oneModel })
	expect(await on.load('tiny-text')).toBe('none')
	expect(await on.load('ring')).toBe('none')
	expect(await on.living()).toEqual(['engine', 'session'])
	expect(await on.report('tiny-text')).toMatchObject({
		state: 'absent',
		memory: { model: 0 },
		estimate: { can: 'loading', reason: 'loading', detail: expect.stringContaining('gave its memory back to another model') },
	})
	expect((await on.embed()).vectors).toEqual([hello])
	expect(await on.report('ring')).toMatchObject({ state: 'absent' })
	expect(await on.living()).toEqual(['engine', 'session'])
})

test('a model that calls are waiting for does not make room', async () => {
	await on.open({ memory: oneModel })
	await on.load('tiny-text')
	await blockSession(on.page, 4000)
	await on.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
	const call = on.embed()
	await expect
		.poll(() => on.load('ring'), { timeout: 3500 })
		.toMatchObject({ code: 'out-of-memory', message: expect.stringMatching(/ring needs \d+ MB/) })
	expect((await call).vectors).toEqual([hello])
	expect(await on.load('ring')).toBe('none')
})

test('a model that never fits: nothing of it is downloaded, and nothing is harmed', async () => {
	const before = on.site.asked.length
	await on.open({ memory: 20e6 })
	expect(await on.load('tiny-text')).toMatchObject({ name: 'SpillwayError', code: 'out-of-memory' })
	expect(on.site.asked.slice(before).filter((path) => path.includes('/chunks/') || path.endsWith('.wasm'))).toEqual([])
	expect(await on.living()).toEqual(['engine'])
	expect(await on.report('tiny-text')).toMatchObject({
		state: 'failed',
		error: { code: 'out-of-memory' },
		estimate: { can: 'no', reason: 'memory' },
	})
})

test('a call that needs more than there may be fails alone', async () => {
	await addWideRing()
	await on.open({ memory: oneModel })
	const infer = (length: number) =>
		on.page.evaluate(async (length) => {
			const { runtime, errorOf, spillway } = window
			return errorOf(
				runtime.model('wide').infer({
					signal: spillway.tensor('FP32', [length], new Float32Array(length)),
					gain: spillway.tensor('FP32', [1], Float32Array.of(2)),
				}),
			)
		}, length)
	expect(await infer(4000)).toBe('none')
	const session = on.page.workers().find((one) => one.url().endsWith('session.js'))
	expect(await infer(60_000)).toMatchObject({ code: 'out-of-memory' })
	expect(await infer(16)).toBe('none')
	expect(on.page.workers()).toContain(session)
	expect((await on.report('wide')).memory.used).toBeLessThanOrEqual(oneModel + 10e6)
})

test('beside an edge its calls go there, with the reason', async () => {
	const edge = await startLocal()
	atEnd(edge.close)
	await on.open({ memory: 20e6, edge: edge.url, key: keys.demo, policy: 'prefer-device', models: undefined, trust: undefined })
	const call = () =>
		on.page.evaluate(async () => {
			const { ran } = await window.runtime.model('m').embed(['hello world'])
			return { executor: ran.executor, overflow: ran.overflow }
		})
	await expect.poll(call).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'memory' }] })
	// And the page goes on.
	for (let i = 0; i < 5; i++) expect(await call()).toMatchObject({ executor: 'edge', overflow: [{ reason: 'memory' }] })
})
