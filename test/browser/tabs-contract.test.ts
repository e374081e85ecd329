// The executor contract, held by an engine that another tab hosts.

import type { Browser } from 'playwright-core'
import { beforeAll } from 'vitest'
import { executorContract } from '../contract/executor.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { holdSession, staticHost } from './page.ts'
import { embedding, type Opened, tensors } from './page-executor.ts'
import type { Site } from './site.ts'
import { openTabs } from './tabs-open.ts'

let browser: Browser
let models: Models
let site: Site
beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await staticHost(models)
})

/** A guest to ask, and the leader that answers. */
async function open(model: string): Promise<Opened> {
	const tabs = await openTabs(browser, site, 2, { trust: models.trust, workers: 1, threads: 1 })
	const [host, page] = tabs.pages
	if (!host || !page) throw new Error('no tabs')
	await host.evaluate((model) => window.runtime.load(model).then(() => {}), model)
	return { page, hold: () => holdSession(host), close: tabs.close }
}

executorContract('the engine of another tab, asked to embed', { estimates: false, make: async () => embedding(await open('tiny-text')) })
executorContract('the engine of another tab, asked for tensors', { estimates: false, make: async () => tensors(await open('tiny-pixels')) })
