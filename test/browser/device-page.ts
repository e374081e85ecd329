// A page whose device answers: models from a plain static host, no edge anywhere.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

/** What the tests of a file use. */
class DevicePage {
	declare browser: Browser
	declare models: Models
	declare site: Site
	/** With `window.runtime`. */
	declare page: Page

	/** Opens a page in a profile of its own, with nothing stored. */
	async open(from: Site): Promise<Page> {
		const page = await openPage(this.browser, from)
		await page.evaluate((trust) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		}, this.models.trust)
		return page
	}

	/** Embeds on the page and gives plain numbers back. */
	embed(texts: string[], options: object = {}) {
		return this.page.evaluate(
			async ([texts, options]) => {
				const { vectors, space, ran } = await window.runtime.model('tiny-text').embed(texts, options)
				return { vectors: vectors.map((vector) => [...vector]), space, ran }
			},
			[texts, options] as const,
		)
	}
}

/** Opens one page for all tests of the file, or a fresh one for each. */
export function devicePage(each: 'one for all' | 'one for each'): DevicePage {
	const on = new DevicePage()
	const renew = async () => {
		on.page = await on.open(on.site)
	}
	beforeAll(async () => {
		on.browser = await getBrowser()
		on.models = await packModels()
		on.site = await staticHost(on.models)
		if (each === 'one for all') await renew()
	})
	if (each === 'one for each') {
		beforeEach(renew)
		afterEach(async () => {
			on.site.fault = undefined
			await on.page.context().close()
		})
	}
	return on
}

export const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5))

/** The vector of "hello world". */
export const hello = close(expectedVector([2, 4, 5, 3]))
