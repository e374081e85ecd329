// The executor contract, held by the engine in a real page, by an edge behind one, and by both: driven through the page's own interface.

import type { Browser } from 'playwright-core'
import { beforeAll, describe } from 'vitest'
import type { Policy, RuntimeOptions } from '../../runtime/index.ts'
import { executorContract } from '../contract/executor.ts'
import { makeGate } from '../contract/gate.ts'
import { startLocal } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { holdSession, openPage, staticHost } from './page.ts'
import { embedding, type Opened, tensors } from './page-executor.ts'
import type { Site } from './site.ts'

let browser: Browser
let models: Models
beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
})

/** A page with a runtime in it. */
async function withRuntime(site: Site, options: RuntimeOptions) {
	const page = await openPage(browser, site)
	await page.evaluate((options) => {
		window.runtime = window.spillway.createRuntime(options)
	}, options)
	return page
}

describe.each([false, true])('cross-origin isolated: %s', (isolated) => {
	let site: Site
	beforeAll(async () => {
		site = await staticHost(models, { isolated })
	})

	async function open(): Promise<Opened> {
		const page = await withRuntime(site, { models: '/models/', trust: models.trust, policy: 'device-only', threads: isolated ? 2 : 1 })
		return { page, hold: () => holdSession(page), close: () => page.context().close() }
	}

	executorContract('the engine in a page, asked to embed', { estimates: false, make: async () => embedding(await open()) })
	executorContract('the engine in a page, asked for tensors', { estimates: false, make: async () => tensors(await open()) })
})

describe('with an edge', () => {
	let site: Site
	beforeAll(async () => {
		site = await staticHost(models)
	})

	/** A page and its edge, both of which can be held. */
	async function open(policy: Policy): Promise<Opened> {
		const gate = makeGate()
		const edge = await startLocal({
			replace: ({ executor }) => ({
				...executor,
				async infer(call, context) {
					await gate.passed()
					return executor.infer(call, context)
				},
			}),
		})
		const page = await withRuntime(site, { edge: edge.url, key: keys.demo, policy, telemetry: false })
		if (policy !== 'edge-only') await page.evaluate(() => window.runtime.model('m').ready())
		return {
			page,
			hops: policy === 'prefer-device' ? 0 : 1,
			async hold() {
				if (policy !== 'edge-only') await holdSession(page)
				return gate.close()
			},
			async close() {
				await page.context().close()
				await edge.close()
			},
		}
	}

	for (const policy of ['edge-only', 'prefer-device', 'prefer-edge'] as const)
		executorContract(`a page under ${policy}`, { estimates: false, make: async () => embedding(await open(policy), 'm') })
})
