// Memory is what is told of it, and is given back, over a hundred loads and disposals in one page.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { cyclesKeepMemory, type MeasuredPage, openMeasured } from '../browser/memory-page.ts'

let measured: MeasuredPage
beforeAll(async () => {
	measured = await openMeasured()
})
afterAll(() => measured?.page.context().close())

test('100 times loaded and disposed of: memory does not grow, and no worker is left', { timeout: 600_000 }, () =>
	cyclesKeepMemory(measured, 100, 20),
)

// Chromium 156 takes exactly a minute for a reading now and then, when a worker has just ended.
test('what explain tells of the shipped model is what the browser measures, and nothing is held twice', { timeout: 300_000 }, async () => {
	const { page, trust, memory } = measured
	const before = await memory()
	const told = await page.evaluate(async (trust) => {
		window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', workers: 1 })
		const model = await window.runtime.load('minilm')
		await model.embed(['how do I reset my password?'], { deadline: 120_000 })
		return (await model.explain()).device?.report?.memory.model ?? 0
	}, trust)
	// The engine's own scripts and tokenizer come to it: some megabytes. The weights are 23.
	const used = (await memory()) - before
	expect(used).toBeGreaterThan(0.85 * told)
	expect(used).toBeLessThan(told + 12e6)
	await page.evaluate(() => window.runtime.dispose())
	expect(await memory()).toBeLessThan(before + 1e6)
})
