// A page of another origin than the edge that it asks: calls that reach the edge are counted, and can be held up.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll } from 'vitest'
import type { Executor } from '../../runtime/core/executor.ts'
import type { RuntimeOptions } from '../../runtime/index.ts'
import { makeGate } from '../contract/gate.ts'
import { startLocal } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { getBrowser } from './launch.ts'
import { openPage, pageHtml, runtimeFolder } from './page.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
export let edge: Awaited<ReturnType<typeof startLocal>>
/** Where the page is: another origin than the edge's. */
export let site: Site
export let page: Page
export const gate = makeGate()
/** Calls that the edge has been asked in this test. */
export let calls = 0

beforeAll(async () => {
	// Any name but localhost is no secure context.
	browser = await getBrowser(['--host-resolver-rules=MAP insecure.test 127.0.0.1'])
	edge = await startLocal({ replace: ({ executor }) => counted(executor) })
	atEnd(edge.close)
	site = await serveSite({ mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/` } })
})
afterEach(async () => {
	calls = 0
	await page?.context().close()
})

const counted = (executor: Executor): Executor => ({
	...executor,
	infer: async (call, context) => {
		calls++
		await gate.passed()
		return executor.infer(call, context)
	},
})

/** Opens a page with a runtime for the edge. */
export async function open(options: RuntimeOptions = {}, before: (page: Page) => Promise<unknown> = async () => {}): Promise<void> {
	page = await openPage(browser, site, before)
	await page.evaluate(
		(options) => {
			window.runtime = window.spillway.createRuntime(options)
		},
		{ edge: edge.url, key: keys.demo, ...options },
	)
}

export const embed = (options: object = {}) =>
	page.evaluate(async (options) => {
		const { vectors, space, ran } = await window.runtime.model('m').embed(['hello world'], options)
		return { vectors: vectors.map((vector) => [...vector]), space, ran }
	}, options)
export const ready = () => page.evaluate(() => window.errorOf(window.runtime.model('m').ready()))
