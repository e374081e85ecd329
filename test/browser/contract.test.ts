// The executor contract, held by the engine in a real page: driven from here, through the page's own interface.

import type { Browser } from 'playwright-core'
import { beforeAll } from 'vitest'
import { executorContract } from '../contract/executor.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import { embedding, type Opened, tensors } from './page-executor.ts'
import type { Site } from './site.ts'

let browser: Browser
let models: Models
let site: Site
beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await staticHost(models)
})

async function open(): Promise<Opened> {
	const page = await openPage(browser, site)
	await page.evaluate((trust) => {
		window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
	}, models.trust)
	return { page, host: page, close: () => page.context().close() }
}

executorContract('the engine in a page, asked to embed', { estimates: false, make: async () => embedding(await open()) })
executorContract('the engine in a page, asked for tensors', { estimates: false, make: async () => tensors(await open()) })
