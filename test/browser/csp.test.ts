// The content security policies that pages need, as docs/embedding.md has them to copy: no more than that, and nobody else is asked.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, pageHtml, runtimeFolder, scriptFolder, staticHost } from './page.ts'
import { serveSite } from './site.ts'

let browser: Browser
let models: Models
let page: Page

/** From the documentation, with one host for everything. */
let own: string
let another: (host: string) => string

beforeAll(async () => {
	const text = await readFile(join(import.meta.dirname, '../../docs/embedding.md'), 'utf8')
	const [first = '', second = ''] = Array.from(
		text.matchAll(/```\n(script-src [^\n]+)\n```/g),
		([, policy]) => `default-src 'none'; img-src data:; ${policy}`,
	)
	own = first.replace(' https://edge.example.com', '').replace("'wasm-unsafe-eval'", `'wasm-unsafe-eval' ${inline}`)
	another = (host) => second.replaceAll('https://edge.example.com', host)
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

/** Directives that some pages have in addition. */
const trustedTypes = "; require-trusted-types-for 'script'; trusted-types spillway 'allow-duplicates'"

test.each(['', trustedTypes])("files of the page's own origin%s", async (more) => {
	const site = await staticHost(models, { headers: { 'Content-Security-Policy': own + more } })
	const asked = new Set<string>()
	page = await openPage(browser, site, async (page) => page.on('request', (request) => asked.add(new URL(request.url()).origin)))
	expect(await load(site.origin)).toBe('none')
	expect(await edgeError(site.origin)).toMatch(/HTTP status 404/)
	// Addresses in memory have the page's origin, and icons of the test's page none.
	expect([...asked].filter((origin) => origin !== 'null')).toEqual([site.origin])
})

test.each([
	[false, ''],
	[true, ''],
	[false, trustedTypes],
])('files of another origin, page isolated: %s%s', async (isolated, more) => {
	const host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
	const other = host.origin
	const text = `<!doctype html><title>shop</title><script src="${other}/spillway/spillway.js"></script>`
	const site = await serveSite({ mounts: { '/': { text } }, isolated, headers: { 'Content-Security-Policy': another(other) + more } })
	page = await (await browser.newContext()).newPage()
	await page.goto(site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	expect(await load(other)).toBe('none')
	expect(await edgeError(other)).toMatch(/no whole answer/)
})

describe('files of another origin, where the policy names scripts one by one', () => {
	const openShop = async (policy: (host: string) => string) => {
		const host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
		const text = `<!doctype html><title>shop</title><script nonce="bm9uY2U" src="${host.origin}/spillway/spillway.js"></script>`
		const site = await serveSite({
			mounts: { '/': { text } },
			headers: { 'Content-Security-Policy': `default-src 'none'; img-src data:; ${policy(host.origin)}` },
		})
		page = await (await browser.newContext()).newPage()
		await page.goto(site.origin)
		await page.waitForFunction(() => 'spillway' in window)
		return host.origin
	}

	test.each(['', " 'strict-dynamic'"])('by a nonce%s: what is loaded later has it, too', async (more) => {
		const other = await openShop((host) => another(host).replace(/script-src \S+/, `script-src 'nonce-bm9uY2U'${more}`))
		expect(await load(other)).toBe('none')
		expect(await edgeError(other)).toMatch(/no whole answer/)
	})

	test('by their addresses: one that is left out is not taken for one that was changed', async () => {
		const other = await openShop((host) => another(host).replace(/script-src \S+/, `script-src ${host}/spillway/spillway.js`))
		expect(await load(other)).toMatchObject({
			code: 'network',
			message: expect.stringContaining("start.js cannot be loaded: the page's policy"),
		})
	})
})

test('what is missing is said', async () => {
	const policy = own.replace(" 'wasm-unsafe-eval'", '')
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
