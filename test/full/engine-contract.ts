// The executor contract, held by the engine in browsers that Playwright does not drive: in pages that are cross-origin isolated, and in others.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe } from 'vitest'
import { type Models, packModels } from '../browser/models.ts'
import { runtimeFolder, staticHost } from '../browser/page.ts'
import { embedding, type Opened, tensors } from '../browser/page-executor.ts'
import type { Site } from '../browser/site.ts'
import { executorContract } from '../contract/executor.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { type BrowserUnderTest, toAsk } from './tab.ts'

/** Goes in front of the session worker's script, for WebDriver does not reach into workers: it can be kept busy for 500 ms. */
const holding = `new BroadcastChannel('hold').onmessage = () => { const end = Date.now() + 500; while (Date.now() < end); };`

/** Asserts the contract in a browser that `launch` starts. */
export function engineContract(launch: () => Promise<BrowserUnderTest>): void {
	let browser: BrowserUnderTest
	let models: Models
	beforeAll(async () => {
		browser = await launch()
		atEnd(browser.close)
		models = await packModels()
	})

	describe.each([false, true])('cross-origin isolated: %s', (isolated) => {
		let site: Site
		beforeAll(async () => {
			site = await staticHost(models, { isolated })
			const script = `${holding}\n${await readFile(join(runtimeFolder, 'session.js'), 'utf8')}`
			site.fault = (path, response) => {
				if (!path.endsWith('/session.js')) return false
				response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script)
				return true
			}
		})

		/** A page with the model loaded. */
		async function open(model: string): Promise<Opened> {
			const tab = await browser.window()
			await tab.open(site.origin)
			const options = { models: '/models/', trust: models.trust, policy: 'device-only', threads: isolated ? 2 : 1 }
			const loaded = await tab.evaluate<boolean>(`
				if (crossOriginIsolated !== ${isolated}) throw new Error('isolated: ' + crossOriginIsolated)
				window.runtime = window.spillway.createRuntime(${JSON.stringify(options)})
				const late = new Promise((resolve) => setTimeout(resolve, 10_000, false))
				return Promise.race([window.runtime.load('${model}').then(() => true), late])
			`)
			if (!loaded) {
				// Under WebDriver BiDi, and only there, one worker in a hundred that starts another hangs in `new Worker`, whatever its script (Firefox ESR 153).
				await tab.close()
				return open(model)
			}
			return {
				page: toAsk(tab),
				close: tab.close,
				async hold() {
					await tab.evaluate(`new BroadcastChannel('hold').postMessage('')`)
					return () => {}
				},
			}
		}

		executorContract('the engine, asked to embed', { estimates: false, make: async () => embedding(await open('tiny-text')) })
		executorContract('the engine, asked for tensors', { estimates: false, make: async () => tensors(await open('tiny-pixels')) })
	})
}
