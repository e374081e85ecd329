// Visits to the delivery site: a profile for each test, pages with a runtime in it, and answers that are spoiled on the way.

import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContext, Page, Worker } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import type { SigningKey } from '../../models/format/keys.ts'
import { type Delivery, deliverySite } from './delivery-site.ts'
import { hello } from './device-page.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import type { Fault } from './site.ts'

let browser: Browser
export let models: Models
export let delivery: Delivery
/** The profile of this test. */
export let context: BrowserContext
let serve: Fault | undefined

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	delivery = await deliverySite(models)
	serve = delivery.site.fault
})
beforeEach(async () => {
	context = await browser.newContext()
	delivery.chunks.length = 0
	Object.assign(delivery, { sent: 0, pause: 0, onSent: undefined })
})
afterEach(async () => {
	mend()
	await context.close()
})

/** Answers before the site does. */
function spoil(fault: Fault): void {
	delivery.site.fault = (...request) => fault(...request) || !!serve?.(...request)
}

/** The same, for so many requests to paths that match. */
export function spoilSome(paths: RegExp, times: number, answer: (response: Parameters<Fault>[1], path: string) => unknown): void {
	spoil((path, response) => {
		if (!paths.test(path) || times-- <= 0) return false
		answer(response, path)
		return true
	})
}

/** The site answers as it should again. */
export function mend(): void {
	delivery.site.fault = serve
}

/** Paths to spoil. */
export const chunks = /\/chunks\//
export const manifest = /\/manifests\//
export const channel = /channel\.jws/

export const ever = Number.POSITIVE_INFINITY

/** A page with a runtime in it, in the profile of this test. */
export async function open(options: object = {}): Promise<Page> {
	const page = await context.newPage()
	await page.goto(delivery.site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	await page.evaluate(
		([trust, options]) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', ...options })
		},
		[models.trust, options] as const,
	)
	return page
}

/** `works`, with the right vector, or the error's code. */
export async function outcome(page: Page, model = 'tiny-text'): Promise<{ end: string; message: string; notes: readonly string[] }> {
	const { error, vector, notes } = await page.evaluate(async (name) => {
		const model = window.runtime.model(name)
		const error = await window.errorOf(model.ready())
		const { report } = (await model.explain()).device ?? {}
		if (error !== 'none') return { error, vector: [], notes: report?.notes ?? [] }
		return { error: undefined, vector: [...((await model.embed(['hello world'])).vectors[0] ?? [])], notes: report?.notes ?? [] }
	}, model)
	if (!error) expect(vector).toEqual(hello)
	return { end: error?.code ?? 'works', message: error?.message ?? '', notes }
}

export function engineOf(page: Page): Worker {
	const engine = page.workers().find((worker) => /engine/.test(worker.url()))
	if (!engine) throw new Error('no engine')
	return engine
}

/** The channel as it would have been signed so many seconds later. */
export async function shifted(by: number, key: SigningKey = models.key): Promise<string> {
	const channel = readChannel(await readFile(`${models.folder}/tiny-text/channel.jws`, 'utf8'))
	return signChannel({ ...channel, issued: channel.issued + by, expires: channel.expires + by }, key)
}
