// The script tag: one file from a real edge, or from any static host, in pages of another origin, isolated or not.

import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningEdge } from '../../edge/node.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { builtAs, scriptFolder } from './page.ts'
import { key, serveScript } from './script-edge.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
let models: Models
let edge: RunningEdge
/** Any host with the files of dist/script, and packed models. */
let host: Site
let page: Page

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	edge = await serveScript(models)
	host = await serveSite({ mounts: { '/js/': `${scriptFolder}/`, '/models/': `${models.folder}/` } })
})
afterEach(() => page?.context().close())

/** Opens a page of an origin of its own with the script in it. */
async function openPage(script: string, isolated: boolean, integrity = ''): Promise<Site> {
	const tag = `<script src="${script}" ${integrity && `integrity="${integrity}" crossorigin="anonymous"`}></script>`
	const text = `<!doctype html><title>shop</title><link rel="icon" href="data:,">${tag}`
	const site = await serveSite({ mounts: { '/': { text } }, isolated })
	page = await (await browser.newContext()).newPage()
	await page.goto(site.origin)
	await page.waitForFunction(() => 'spillway' in window)
	expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated)
	return site
}

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

const embed = (options: object) =>
	page.evaluate(async (options) => {
		const runtime = window.spillway.createRuntime(options)
		const first = await runtime.model('tiny-text').embed(['hello world'], { deadline: 50_000 })
		await runtime.model('tiny-text').ready()
		const then = await runtime.model('tiny-text').embed(['hello world'])
		await runtime.dispose()
		return [first, then].map(({ vectors, ran }) => ({ vectors: vectors.map((vector) => [...vector]), ran }))
	}, options)

describe.each([{ isolated: false }, { isolated: true }])('in a page of another origin, isolated: $isolated', ({ isolated }) => {
	test.each(['spillway.js', 'spillway/<build>/spillway.js'])("an edge's /%s knows its edge, its keys and its files", async (path) => {
		const script = `${edge.url}/${path.replace('<build>', await builtAs())}`
		// The same for everybody, as long as its address: that can be held to its digest.
		const bytes = Buffer.from(await (await fetch(script)).arrayBuffer())
		const integrity = path.includes('<build>') ? `sha384-${createHash('sha384').update(bytes).digest('base64')}` : ''
		const site = await openPage(script, isolated, integrity)
		const [first, then] = await embed({ key })
		expect(first).toMatchObject({
			vectors: [hello],
			ran: { executor: 'edge', hops: 1, overflow: [{ executor: 'device', reason: 'loading' }] },
		})
		expect(then).toMatchObject({ vectors: [hello], ran: { executor: 'device', provider: 'wasm', hops: 0, overflow: [] } })
		expect(site.asked.filter((path) => path !== '/favicon.ico')).toEqual(['/'])
	})

	test("a static host's, with models of a static host", async () => {
		await openPage(`${host.origin}/js/spillway.js`, isolated)
		const [first] = await embed({ models: `${host.origin}/models`, trust: models.trust })
		expect(first).toMatchObject({ vectors: [hello], ran: { executor: 'device', overflow: [] } })
	})
})

describe('window.spillway', () => {
	test('has what the module has', async () => {
		await openPage(`${host.origin}/js/spillway.js`, false)
		const [names, code] = await page.evaluate(() => {
			const { SpillwayError, createRuntime } = window.spillway
			try {
				createRuntime({})
			} catch (error) {
				return [Object.keys(window.spillway).sort(), error instanceof SpillwayError && error.code] as const
			}
			return [[], 'none'] as const
		})
		expect(names).toEqual(['SpillwayError', 'createRuntime'])
		expect(code).toBe('malformed')
	})

	test('is all that the script leaves in the page', async () => {
		const site = await serveSite({ mounts: { '/': { text: '<!doctype html><title>empty</title>' } } })
		page = await (await browser.newContext()).newPage()
		await page.goto(site.origin)
		const added = await page.evaluate(async (src) => {
			const before = new Set(Object.getOwnPropertyNames(window))
			const script = document.createElement('script')
			script.src = src
			const loaded = new Promise((resolve) => script.addEventListener('load', resolve))
			document.head.append(script)
			await loaded
			return Object.getOwnPropertyNames(window).filter((name) => !before.has(name))
		}, `${host.origin}/js/spillway.js`)
		expect(added).toEqual(['spillway'])
	})

	test("another edge is not trusted with the first one's keys", async () => {
		await openPage(`${edge.url}/spillway.js`, false)
		const asked = await page.evaluate(async (other) => {
			const runtime = window.spillway.createRuntime({ edge: other })
			await runtime
				.model('tiny-text')
				.ready()
				.catch(() => {})
			await runtime.dispose()
		}, host.origin)
		expect(asked).toBeUndefined()
		expect(host.asked).toContain('/.well-known/jwks.json')
	})
})
