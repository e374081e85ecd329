// The executor contract, held by the engine with WebGPU, on a software adapter.

import type { Browser } from 'playwright-core'
import { beforeAll, expect, vi } from 'vitest'
import { executorContract } from '../contract/executor.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { holdSession, openPage, staticHost } from './page.ts'
import { type Opened, rings } from './page-executor.ts'
import { changeKept, chosen, gpuFlags, load, servingOf } from './provider-page.ts'
import type { Site } from './site.ts'

let browser: Browser
let models: Models
let site: Site
beforeAll(async () => {
	browser = await getBrowser(gpuFlags)
	models = await packModels()
	site = await staticHost(models)
})

const tried = { providers: ['wasm', 'webgpu'], workers: 1, threads: 1 } as const

/** A page in which WebGPU answers, for it was remembered to be the best: a software adapter never is. */
async function open(): Promise<Opened> {
	const page = await openPage(browser, site)
	await load(page, models, 'ring', tried)
	await chosen(page, 'ring')
	await page.evaluate(() => window.runtime.dispose())
	await changeKept(page, { gain: 9 })
	await load(page, models, 'ring', tried)
	await vi.waitUntil(async () => (await servingOf(page, 'ring')).provider === 'webgpu', { timeout: 60_000, interval: 100 })
	return { page, hold: () => holdSession(page, 'gpu-jspi.js'), close: () => page.context().close() }
}

executorContract('the engine with WebGPU', {
	estimates: false,
	async make() {
		const subject = await rings(await open())
		const { output, ran } = await subject.executor.infer(subject.call(), {
			remaining: 20_000,
			signal: new AbortController().signal,
			hops: 0,
			retries: { left: 0 },
			trace: '',
		})
		subject.check(output)
		expect(ran.provider).toBe('webgpu')
		return subject
	},
})
