// The page stays smooth: the shipped model loads and answers without one long task on the main thread.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { getBrowser } from './launch.ts'
import { openPage, staticHost } from './page.ts'

declare global {
	interface Window {
		longTasks: number[]
	}
}

const root = join(import.meta.dirname, '../..')

test('no long task over load and 200 calls', { timeout: 240_000 }, async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-minilm-'))
	afterAll(() => rm(folder, { recursive: true }))
	const key = await generateSigningKey()
	await pack(join(root, 'models/minilm'), folder, { key })
	const site = await staticHost({ folder })
	const browser = await getBrowser()

	const visit = async () => {
		const page = await openPage(browser, site, (page) =>
			page.addInitScript(() => {
				window.longTasks = []
				new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
					type: 'longtask',
					buffered: true,
				})
			}),
		)
		try {
			return await page.evaluate(
				async (trust) => {
					const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
					const model = await runtime.load('minilm', { onProgress: () => {} })
					const texts = Array.from({ length: 200 }, (_, i) => `Question ${i}: how do I reset my password?`)
					const answers = await Promise.all(texts.map((text) => model.embed([text], { deadline: 200_000 })))
					// The observer is told after the task.
					await new Promise((resolve) => setTimeout(resolve, 200))
					await runtime.dispose()
					return { answers: answers.filter(({ vectors }) => vectors[0]?.length === 384).length, longTasks: window.longTasks }
				},
				[key.x],
			)
		} finally {
			await page.context().close()
		}
	}

	// A machine that is busy with other things may stall any task: what is ours would be long every time.
	const seen: number[][] = []
	for (let visits = 0; visits < 3; visits++) {
		const { answers, longTasks } = await visit()
		expect(answers).toBe(200)
		if (longTasks.length === 0) return
		seen.push(longTasks)
	}
	expect(seen).toEqual([])
})
