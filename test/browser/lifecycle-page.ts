// A page whose models come and go, and what it tells of them.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, expect } from 'vitest'
import type { RuntimeOptions } from '../../runtime/index.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

/** What the tests of a file use. */
class LifecyclePage {
	declare browser: Browser
	declare models: Models
	declare site: Site
	/** Closed after each test. */
	declare page: Page

	/** Opens a page with a runtime in it. */
	async open(options: RuntimeOptions = {}): Promise<void> {
		this.page = await openPage(this.browser, this.site)
		await this.page.evaluate(
			(options) => {
				window.runtime = window.spillway.createRuntime(options)
			},
			{ models: '/models/', trust: this.models.trust, policy: 'device-only' as const, ...options },
		)
	}

	load(name: string) {
		return this.page.evaluate((name) => window.errorOf(window.runtime.load(name)), name)
	}

	embed(options: object = {}) {
		return this.page.evaluate(async (options) => {
			const { vectors, ran } = await window.runtime.model('tiny-text').embed(['hello world'], options)
			return { vectors: vectors.map((vector) => [...vector]), ran }
		}, options)
	}

	async report(name: string) {
		const { device } = await this.page.evaluate((name) => window.runtime.model(name).explain(), name)
		return device?.report ?? expect.fail('no engine')
	}

	/** Threads that live, by the locks that they hold until they are really gone: what the page itself can know. */
	living() {
		return this.page.evaluate(async () => {
			const { held = [] } = await navigator.locks.query()
			return held.flatMap(({ name = '' }) => /^spillway-(engine|session)/.exec(name)?.[1] ?? []).sort()
		})
	}
}

/** For the tests of a file. */
export function lifecyclePage(): LifecyclePage {
	const on = new LifecyclePage()
	beforeAll(async () => {
		on.browser = await getBrowser()
		on.models = await packModels()
		on.site = await staticHost(on.models)
	})
	afterEach(async () => {
		on.site.fault = undefined
		await on.page?.context().close()
	})
	return on
}
