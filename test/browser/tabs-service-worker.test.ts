// A service worker uses the engine that a page shares; it hosts none.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { pageHtml, runtimeFolder } from './page.ts'
import { type Site, serveSite } from './site.ts'
import { openTabs, type Tabs } from './tabs-open.ts'

let browser: Browser
let models: Models
let site: Site
let tabs: Tabs

/** Answers what pages ask of it: texts to vectors. */
const script = (trust: string[]) => `
import { createRuntime } from '/spillway/service-worker.js'
const at = (path) => new URL(path, location.origin).href
const runtime = createRuntime({ models: at('/models/'), assets: at('/spillway/'), trust: ${JSON.stringify(trust)}, policy: 'device-only', shared: true })
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('message', ({ data, ports: [port] }) => {
	runtime.model('tiny-text').embed(data, { deadline: 20_000 }).then(
		({ vectors, ran }) => port.postMessage({ vectors: vectors.map((vector) => [...vector]), executor: ran.executor }),
		({ code, message }) => port.postMessage({ code, message }),
	)
})`

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await serveSite({
		mounts: {
			'/': { text: pageHtml },
			'/spillway/': `${runtimeFolder}/`,
			'/models/': `${models.folder}/`,
			'/service-worker.js': { text: script(models.trust) },
		},
	})
})
beforeEach(async () => {
	tabs = await openTabs(browser, site, 2, { trust: models.trust })
	await page().evaluate(async () => {
		await navigator.serviceWorker.register('/service-worker.js', { type: 'module' })
		await navigator.serviceWorker.ready
	})
})
afterEach(() => tabs.close())

const page = () => tabs.pages.at(-1) as Page

/** Asks the service worker. */
const ask = () =>
	page().evaluate(async () => {
		const { active } = await navigator.serviceWorker.ready
		const { port1, port2 } = new MessageChannel()
		const told = new Promise<{ vectors?: number[][]; executor?: string; code?: string; message?: string }>((resolve) => {
			port1.onmessage = ({ data }) => resolve(data)
		})
		active?.postMessage(['hello world'], [port2])
		return told
	})

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

test('no page shares an engine: says so at once', async () => {
	expect(await ask()).toEqual({ code: 'unavailable', message: expect.stringMatching(/no open tab hosts an engine/) })
})

test('answers by the engine of a page, loads what is not there, and follows when another page takes it over', async () => {
	await page().evaluate(() => window.runtime.load('tiny-pixels').then(() => {}))
	expect(await ask()).toEqual({ vectors: [hello], executor: 'device' })
	expect(tabs.workers().filter((name) => name === 'engine.js')).toHaveLength(1)
	const leader = await tabs.leader()
	const [other] = (await tabs.guests()) as [Page]
	await other.evaluate(() => window.runtime.load('tiny-text').then(() => {}))
	expect(leader).toBe(page())
	// The page to ask from is the one that is left.
	await leader.close()
	expect(await ask()).toEqual({ vectors: [hello], executor: 'device' })
	expect(await tabs.leader()).toBe(other)
})
