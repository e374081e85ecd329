// The content security policy that a page needs, as docs/runtime.md gives it: no more than that.

import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, pageHtml, runtimeFolder, scriptFolder, staticHost } from './page.ts'
import { serveSite } from './site.ts'

let browser: Browser
let models: Models
let page: Page

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
})
afterEach(() => page?.context().close())

/** For the test's own script in the page. */
const inline = `'sha256-${createHash('sha256')
	.update(/<script type="module">([\s\S]*)<\/script>/.exec(pageHtml)?.[1] ?? '')
	.digest('base64')}'`

const load = (address: string) =>
	page.evaluate(
		([address, trust]) => {
			window.errorOf ??= (promise) =>
				promise.then(
					() => 'none' as const,
					({ name, code, message }) => ({ name, code, message }),
				)
			const runtime = window.spillway.createRuntime({ models: `${address}/models/`, trust: [...trust], policy: 'device-only' })
			return window.errorOf(runtime.load('tiny-text'))
		},
		[address, models.trust] as const,
	)

/** What calls an edge can be loaded: there is no edge, but that is found out by a call. */
const edgeError = (address: string) =>
	page.evaluate((address) => {
		const runtime = window.spillway.createRuntime({ edge: address, policy: 'edge-only', telemetry: false })
		return runtime
			.model('m')
			.embed(['hello'])
			.then(
				() => 'answered',
				({ message }: Error) => message,
			)
	}, address)

test("files of the page's own origin", async () => {
	const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval' ${inline}; connect-src 'self'; worker-src 'self'; img-src data:`
	const site = await staticHost(models, { headers: { 'Content-Security-Policy': policy } })
	page = await openPage(browser, site)
	expect(await load(site.origin)).toBe('none')
	expect(await edgeError(site.origin)).toMatch(/HTTP status 404/)
})

test('files of another origin', async () => {
	const host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
	const other = host.origin
	const policy = `default-src 'none'; script-src ${other} 'wasm-unsafe-eval'; connect-src ${other}; worker-src ${other} blob:; img-src data:`
	const text = `<!doctype html><title>shop</title><script src="${other}/spillway/spillway.js"></script>`
	const site = await serveSite({ mounts: { '/': { text } }, headers: { 'Content-Security-Policy': policy } })
	page = await (await browser.newContext()).newPage()
	await page.goto(site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	expect(await load(other)).toBe('none')
	expect(await edgeError(other)).toMatch(/no whole answer/)
})

test('what is missing is said', async () => {
	const policy = `default-src 'none'; script-src 'self' ${inline}; connect-src 'self'; worker-src 'self'; img-src data:`
	const site = await serveSite({
		mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/`, '/models/': `${models.folder}/` },
		headers: { 'Content-Security-Policy': policy },
	})
	page = await openPage(browser, site)
	expect(await load(site.origin)).toMatchObject({
		name: 'SpillwayError',
		code: 'environment',
		message: expect.stringMatching(/wasm|WebAssembly/i),
	})
})
