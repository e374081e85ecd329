// The page stays smooth: the shipped model loads and answers without one long task on the main thread, with batching and telemetry on.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { startLocal } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { getBrowser } from './launch.ts'
import { addMinilm } from './models.ts'
import { openPage, staticHost } from './page.ts'

/** Milliseconds from which on browsers call a task long. */
const long = 50

test('no long task over load and 200 calls at once', { timeout: 240_000 }, async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-minilm-'))
	atEnd(() => rm(folder, { recursive: true }))
	const key = await generateSigningKey()
	await addMinilm({ folder, key })
	const site = await staticHost({ folder })
	const edge = await startLocal()
	atEnd(edge.close)
	const browser = await getBrowser()
	const options = { models: '/models/', trust: [key.x], edge: edge.url, key: keys.demo, telemetry: { sample: 1 } }

	const visit = async () => {
		site.asked.length = 0
		const page = await openPage(browser, site)
		const tasks = await traced(browser, page, async () => {
			const answers = await page.evaluate(async (options) => {
				const runtime = window.spillway.createRuntime(options)
				const model = await runtime.load('minilm', { onProgress: () => {} })
				const texts = Array.from({ length: 200 }, (_, i) => `Question ${i}: how do I reset my password?`)
				const answers = await Promise.all(texts.map((text) => model.embed([text], { deadline: 200_000 })))
				await runtime.dispose()
				return answers.filter(({ vectors, ran }) => vectors[0]?.length === 384 && ran.executor === 'device').length
			}, options)
			expect(answers).toBe(200)
		})
		await page.context().close()
		expect(site.asked).toContain('/spillway/telemetry.js')
		return tasks
	}

	// What takes long because the machine is busy with other things takes little processor time; and what is ours would be long every time.
	const seen: number[][] = []
	for (let visits = 0; visits < 3; visits++) {
		const tasks = await visit()
		expect(tasks.length).toBeGreaterThan(200)
		const ours = tasks.filter((milliseconds) => milliseconds >= long)
		if (ours.length === 0) return
		seen.push(ours)
	}
	expect(seen).toEqual([])
})

test('a long task would be seen', async () => {
	const browser = await getBrowser()
	const page = await (await browser.newContext()).newPage()
	const tasks = await traced(browser, page, () =>
		page.evaluate(
			(milliseconds) =>
				// In a task of the page's own: what DevTools asks may interrupt any.
				new Promise<void>((done) =>
					setTimeout(() => {
						const end = Date.now() + milliseconds
						while (Date.now() < end);
						done()
					}),
				),
			20 * long,
		),
	)
	expect(Math.max(...tasks)).toBeGreaterThan(long)
})

/** Milliseconds of processor time of each task on the main thread of the page, while something is done. */
async function traced(browser: Browser, page: Page, work: () => Promise<void>): Promise<number[]> {
	const categories = ['disabled-by-default-devtools.timeline', 'blink.user_timing', '__metadata']
	await browser.startTracing(page, { categories })
	await page.evaluate(() => void performance.mark('here'))
	await work()
	// A task is written down when it ends, which may be after it has told.
	await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)))
	const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
	const here = traceEvents.find(({ name, cat }) => name === 'here' && cat === 'blink.user_timing')
	if (!here) throw new Error('the trace does not tell which thread the page has')
	return traceEvents.flatMap(({ name, pid, tid, tdur }) =>
		name === 'RunTask' && pid === here.pid && tid === here.tid ? [(tdur ?? 0) / 1000] : [],
	)
}

/** As Chromium writes it, times in microseconds. */
interface TraceEvent {
	name: string
	cat: string
	pid: number
	tid: number
	/** Processor time. */
	tdur?: number
}
