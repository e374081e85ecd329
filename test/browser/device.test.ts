// The device: models from a plain static host answer in a page's workers.

import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

let models: Models
let page: Page
let site: Site

describe.each([{ isolated: false }, { isolated: true }])('on a static host, isolated: $isolated', ({ isolated }) => {
	beforeAll(async () => {
		const browser = await getBrowser()
		models = await packModels()
		site = await staticHost(models, { isolated })
		page = await openPage(browser, site)
		expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated)
	})

	test('embeds', async () => {
		const result = await page.evaluate(async (trust) => {
			const runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
			const model = await runtime.load('tiny-text')
			const { vectors, space, ran } = await model.embed(['hello world', 'red'])
			const explained = await model.explain()
			await runtime.dispose()
			return { vectors: vectors.map((vector) => [...vector]), space, ran, explained }
		}, models.trust)
		expect(result.vectors[0]).toEqual(expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5)))
		expect(result.ran).toMatchObject({ executor: 'device', provider: 'wasm', hops: 0, overflow: [] })
		console.log(result)
	})
})
