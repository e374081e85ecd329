// A page's telemetry, in a real browser before a real edge: what arrives, what does not, and what never does.

import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEdge } from '../../edge/app.ts'
import type { RuntimeOptions } from '../../runtime/index.ts'
import type { KeyedReport } from '../../runtime/telemetry/wire.ts'
import { figuresOf, valueIn } from '../edge/figures.ts'
import { localParts } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { getBrowser } from './launch.ts'
import { openPage, pageHtml, runtimeFolder } from './page.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
let site: Site
let page: Page
let edge: { url: string; space: string }
/** What the edge was sent, in order. */
let requests: { path: string; traceparent: string | null; body: string }[] = []

beforeAll(async () => {
	browser = await getBrowser()
	const app = createEdge(await localParts())
	const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
		const made = serve(
			{
				async fetch(request, env) {
					const { pathname: path } = new URL(request.url)
					if (request.method === 'POST')
						requests.push({ path, traceparent: request.headers.get('traceparent'), body: await request.clone().text() })
					return app.fetch(request, env)
				},
				hostname: '127.0.0.1',
				port: 0,
			},
			() => resolve(made),
		)
	})
	atEnd(() => new Promise((resolve) => server.close(resolve)))
	edge = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, space: '' }
	site = await serveSite({ mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/` } })
})
afterEach(async () => {
	await page?.context().close()
	requests = []
})

async function open(options: RuntimeOptions = {}): Promise<void> {
	page = await openPage(browser, site)
	await make(options)
}

const make = (options: RuntimeOptions = {}) =>
	page.evaluate(
		(options) => {
			window.runtime = window.spillway.createRuntime(options)
		},
		{ edge: edge.url, key: keys.demo, ...options },
	)

const ready = () => page.evaluate(() => window.errorOf(window.runtime.model('m').ready()))
const embed = (text: string, options: object = {}) =>
	page.evaluate(([text, options]) => window.errorOf(window.runtime.model('m').embed([text], options)), [text, options] as const)
const dispose = () => page.evaluate(() => window.runtime.dispose())
/** Waits until so many calls were told of. */
const observed = (calls: number) =>
	page.waitForFunction((calls) => performance.getEntriesByName('spillway m embed').length >= calls, calls, { polling: 20 })
/** As if another tab came to the front. */
const hide = () =>
	page.evaluate(() => {
		Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' })
		document.dispatchEvent(new Event('visibilitychange'))
	})

const reports = () => requests.filter(({ path }) => path === '/v1/telemetry').map(({ body }) => JSON.parse(body) as KeyedReport)

/** What the figures gain from now on. */
async function gaining() {
	const before = await figuresOf(edge)
	return async (name: string, labels: Record<string, string> = {}) =>
		valueIn(await figuresOf(edge), name, labels) - valueIn(before, name, labels)
}

const here = { model: 'm', executor: 'device', provider: 'wasm' }
const there = { model: 'm', executor: 'edge', provider: 'cpu' }

describe('what arrives', () => {
	test('as many calls as were made, here and there, and what went wrong', async () => {
		const gain = await gaining()
		await open()
		expect(await ready()).toBe('none')
		for (let i = 0; i < 7; i++) expect(await embed('hello')).toBe('none')
		for (let i = 0; i < 3; i++) expect(await embed('world', { policy: 'edge-only' })).toBe('none')
		expect(await embed('hello', { space: 'another@1/x' })).toMatchObject({ name: 'SpillwayError' })
		expect(reports()).toEqual([])
		await dispose()
		await expect.poll(() => gain('spillway_page_reports_total')).toBe(1)
		expect(await gain('spillway_page_call_seconds_count', here)).toBe(7)
		expect(await gain('spillway_page_run_seconds_count', here)).toBe(7)
		expect(await gain('spillway_page_call_seconds_count', there)).toBe(3)
		expect(await gain('spillway_page_overflow_total', { model: 'm', executor: 'device', reason: 'policy' })).toBe(3)
		expect(await gain('spillway_page_errors_total', { model: 'm', operation: 'embed' })).toBe(1)
		expect(await gain('spillway_page_load_seconds_count', { model: 'm', phase: 'whole' })).toBe(1)
		expect(await gain('spillway_page_loaded_bytes_total', { model: 'm' })).toBeGreaterThan(1000)
		expect(await gain('spillway_page_errors_total')).toBe(1)
	})

	test('when the page is hidden, and when it is left', async () => {
		const gain = await gaining()
		await open({ policy: 'edge-only' })
		await embed('hello')
		// Before its file is there, perhaps.
		await hide()
		await expect.poll(() => gain('spillway_page_call_seconds_count', there)).toBe(1)
		await embed('hello')
		await observed(2)
		await page.goto('about:blank')
		await expect.poll(() => gain('spillway_page_call_seconds_count', there)).toBe(2)
		expect(reports().map(({ key }) => key)).toEqual([keys.demo, keys.demo])
	})

	test('when the tab is closed', async () => {
		const gain = await gaining()
		await open({ policy: 'edge-only' })
		await embed('hello')
		await observed(1)
		await page.close({ runBeforeUnload: true })
		await expect.poll(() => gain('spillway_page_call_seconds_count', there)).toBe(1)
	})

	test('what happened without a network, when there is one again', async () => {
		const gain = await gaining()
		await open()
		expect(await ready()).toBe('none')
		await page.context().setOffline(true)
		for (let i = 0; i < 4; i++) expect(await embed('hello', { policy: 'prefer-device' })).toBe('none')
		await hide()
		await new Promise((resolve) => setTimeout(resolve, 300))
		expect(reports()).toEqual([])
		await page.context().setOffline(false)
		await expect.poll(() => gain('spillway_page_call_seconds_count', here)).toBe(4)
		expect(await gain('spillway_page_reports_total')).toBe(1)
	})

	test('page and edge speak of one trace', async () => {
		await open({ policy: 'edge-only', telemetry: { sample: 1 } })
		await embed('hello')
		await hide()
		await expect.poll(reports).toHaveLength(1)
		const [call] = requests.filter(({ path }) => path === '/v1/tasks/embed')
		const [span] = reports()[0]?.spans ?? []
		expect(span).toMatchObject({ operation: 'embed', executor: 'edge' })
		expect(call?.traceparent).toMatch(new RegExp(`^00-${span?.trace}-[0-9a-f]{16}-01$`))
	})

	test("the application's own tracer begins the trace", async () => {
		await open({ policy: 'edge-only' })
		const told = await page.evaluate(
			async (options) => {
				const told: unknown[] = []
				const span = {
					spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }),
					updateName: (name: string) => told.push(name),
					setAttributes: (attributes: object) => told.push(attributes),
					setStatus: (status: object) => told.push(status),
					end: () => told.push('end'),
				}
				const runtime = window.spillway.createRuntime({ ...options, policy: 'edge-only', telemetry: { tracer: { startSpan: () => span } } })
				await runtime.model('m').embed(['hello'])
				await new Promise<void>((resolve) => {
					const look = () => (told.includes('end') ? resolve() : setTimeout(look, 10))
					look()
				})
				return told
			},
			{ edge: edge.url, key: keys.demo },
		)
		expect(told[0]).toBe('embeddings m')
		expect(told).toContainEqual(expect.objectContaining({ 'server.address': '127.0.0.1', 'spillway.executor': 'edge' }))
		expect(requests.find(({ path }) => path === '/v1/tasks/embed')?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/)
	})
})

describe('what does not', () => {
	/** Calls of all kinds, then every occasion to report. */
	async function everything() {
		await ready()
		await embed('hello')
		await embed('hello', { deadline: 0 })
		await hide()
		await dispose()
		await page.goto('about:blank')
		await new Promise((resolve) => setTimeout(resolve, 300))
	}

	test('anything at all with `telemetry: false`: not even its file is loaded', async () => {
		await open({ telemetry: false })
		const { length } = site.asked
		await everything()
		expect(reports()).toEqual([])
		expect(site.asked.slice(length)).not.toContain('/spillway/telemetry.js')
	})

	test('reports without consent: neither sent nor kept', async () => {
		page = await openPage(browser, site)
		await page.evaluate(
			(options) => {
				window.runtime = window.spillway.createRuntime({ ...options, telemetry: { consent: () => false } })
			},
			{ edge: edge.url, key: keys.demo },
		)
		await everything()
		await page.goto(site.origin)
		await page.waitForFunction(() => 'spillway' in window)
		await make({ policy: 'edge-only' })
		await embed('hello')
		await hide()
		await expect.poll(reports).toHaveLength(1)
		expect(reports()[0]?.calls).toMatchObject([{ total: { counts: expect.anything() }, executor: 'edge' }])
	})

	test('reports under device-only: no word to anyone; the tools of this browser are told', async () => {
		await open({ policy: 'device-only', telemetry: { sample: 1 } })
		expect(await ready()).toBe('none')
		const asked: string[] = []
		page.on('request', (request) => asked.push(request.url()))
		await embed('hello')
		const names = () => page.evaluate(() => performance.getEntriesByType('measure').map(({ name }) => name))
		await expect
			.poll(names)
			.toEqual(expect.arrayContaining(['spillway m load', 'spillway m load files', 'spillway m embed', 'spillway m run']))
		await everything()
		expect(requests).toEqual([])
		expect(asked.filter((url) => !url.startsWith('about:'))).toEqual([])
	})

	test('inputs and outputs, nor anything of them', async () => {
		const marker = 'a-secret-of-mine'
		await open({ telemetry: { sample: 1 } })
		await embed(marker)
		expect(await ready()).toBe('none')
		await embed(marker)
		const wrong = await page.evaluate(
			(marker) =>
				window.errorOf(window.runtime.model('tiny').infer({ [marker]: window.spillway.tensor('FP32', [1, 1], Float32Array.of(1)) })),
			marker,
		)
		expect(wrong).toMatchObject({ name: 'SpillwayError' })
		await dispose()
		await expect.poll(reports).toHaveLength(1)
		const sent = requests.filter(({ path }) => path === '/v1/telemetry').map(({ body }) => body)
		expect(requests.some(({ path, body }) => path !== '/v1/telemetry' && body.includes(marker))).toBe(true)
		expect(sent.join()).not.toContain(marker)
		expect(sent.join()).not.toContain('secret')
	})
})
