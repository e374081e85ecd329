// Files of another origin are those of this build, or are not used; files of the page's own origin are told from those of another build.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RuntimeOptions } from '../../runtime/index.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { builtAs, openPage, scriptFolder, staticHost } from './page.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
let models: Models
/** Another origin, with script, models, and what says nothing to calls. */
let host: Site
let page: Page

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	host = await serveSite({ mounts: { '/spillway/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
})
beforeEach(() => {
	host.fault = undefined
})
afterEach(() => page?.context().close())

const integrityOf = async (file: string) =>
	`sha256-${createHash('sha256')
		.update(await readFile(join(scriptFolder, file)))
		.digest('base64')}`

/** Opens a page whose script tag has integrity, and which refuses scripts that have none. */
async function openShop(integrity?: string): Promise<void> {
	const tag = `<script src="${host.origin}/spillway/spillway.js" integrity="${integrity ?? (await integrityOf('spillway.js'))}" crossorigin="anonymous"></script>`
	const site = await serveSite({
		mounts: { '/': { text: `<!doctype html><title>shop</title><link rel="icon" href="data:,">${tag}` } },
		headers: { 'Integrity-Policy': 'blocked-destinations=(script)' },
	})
	page = await (await browser.newContext()).newPage()
	await page.goto(site.origin)
}

/** What becomes of loading a model and of asking an edge: `none`, or the error. */
const use = (options: RuntimeOptions = {}) =>
	page.evaluate(
		async ([address, trust, options]) => {
			const told = ({ code, message }: { code: string; message: string }) => ({ code, message })
			const device = window.spillway.createRuntime({
				models: `${address}/models/`,
				trust: [...trust],
				telemetry: {},
				policy: 'device-only',
				...options,
			})
			const edge = window.spillway.createRuntime({ edge: address, policy: 'edge-only', telemetry: false })
			const [loaded, asked] = await Promise.all([
				device.load('tiny-text').then((model) => model.embed(['hello world']).then(() => 'none' as const), told),
				edge
					.model('m')
					.embed(['hello'])
					.then(() => 'none' as const, told),
			])
			await Promise.all([device.dispose(), edge.dispose()])
			return { loaded, asked }
		},
		[host.origin, models.trust, options] as const,
	)

/** From now on the host adds a byte to the file. */
const tamper = (file: string) => {
	host.fault = (path, response) => {
		if (path !== `/spillway/${file}`) return false
		readFile(join(scriptFolder, file)).then((bytes) => response.end(Buffer.concat([bytes, Buffer.from('\n')])))
		return true
	}
}

const refused = { code: 'integrity', message: expect.stringContaining('of this build') }
/** There is no edge, but that is found out by a call. */
const reached = { code: 'network', message: expect.stringContaining('no whole answer') }

describe('from another origin, where scripts without integrity are refused', () => {
	test('all is used as it was published: the entry, what it loads later, workers and wasm', async () => {
		await openShop()
		expect(await use()).toEqual({ loaded: 'none', asked: reached })
		expect(await use({ shared: true })).toMatchObject({ loaded: 'none' })
		expect(host.asked).toEqual(
			expect.arrayContaining(['edge', 'engine', 'session', 'start', 'tabs', 'telemetry'].map((name) => `/spillway/${name}.js`)),
		)
	})

	test('an entry of another content is refused by the browser', async () => {
		await openShop(await integrityOf('edge.js'))
		expect(await page.evaluate(() => 'spillway' in window)).toBe(false)
	})

	test.each([
		['start.js', {}],
		['engine.js', {}],
		['session.js', {}],
		['tabs.js', { shared: true }],
	])('a changed %s: the load fails with one clear error, the edge can be asked', async (file, options) => {
		await openShop()
		tamper(file)
		expect(await use(options)).toEqual({
			loaded: { ...refused, message: expect.stringContaining(`/spillway/${file} is not the file`) },
			asked: reached,
		})
	})

	test('a changed wasm: the load fails with one clear error, the edge can be asked', async () => {
		await openShop()
		tamper('ort-wasm-simd-threaded.wasm')
		expect(await use()).toEqual({
			loaded: { code: 'integrity', message: expect.stringContaining("ONNX Runtime's WebAssembly") },
			asked: reached,
		})
	})

	test('a changed edge.js: the edge cannot be asked, and why is said; the device answers', async () => {
		await openShop()
		tamper('edge.js')
		expect(await use()).toEqual({ loaded: 'none', asked: refused })
	})

	test('a changed telemetry.js is not run, and disturbs nothing', async () => {
		await openShop()
		tamper('telemetry.js')
		expect(await use()).toEqual({ loaded: 'none', asked: reached })
	})

	test('a file that cannot be had is told from one that was changed, and asked for again', async () => {
		await openShop()
		host.fault = (path, response) => path === '/spillway/start.js' && !!response.writeHead(503).end()
		expect(await use()).toMatchObject({ loaded: { code: 'network', message: expect.stringContaining('503') } })
		host.fault = undefined
		expect(await use()).toMatchObject({ loaded: 'none' })
	})
})

describe("from the page's own origin", () => {
	test.each(['engine.js', 'session.js'])('%s of another build is refused', async (file) => {
		const site = await staticHost(models)
		const build = await builtAs()
		site.fault = (path, response) => {
			if (path !== `/spillway/${file}`) return false
			response.setHeader('content-type', 'text/javascript')
			readFile(join(scriptFolder, file), 'utf8').then((text) => response.end(text.replaceAll(build, '0.0.0-elsewhere')))
			return true
		}
		page = await openPage(browser, site)
		const error = await page.evaluate(
			([trust]) => window.errorOf(window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' }).load('tiny-text')),
			[models.trust] as const,
		)
		expect(error).toMatchObject({ code: 'environment', message: expect.stringMatching(/of another build than the .*0\.0\.0-elsewhere/) })
	})
})
