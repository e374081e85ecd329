// Where a page stands: in frames of its own origin, of another site, in sandboxes, without https. It answers, or says in one error why this device cannot.
// The contexts of tests are private windows.

import type { Browser, Frame, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningEdge } from '../../edge/node.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { packModels } from './models.ts'
import { key, serveScript } from './script-edge.ts'
import { serveSite } from './site.ts'

let browser: Browser
let edge: RunningEdge
let page: Page

/** Storage and locks for each site that a frame stands in, as users' browsers have them: playwright takes that away. The last such argument counts. */
const partitioned = '--disable-features=Translate'

/** Not localhost: no secure context. */
const insecure = 'shop.test'

beforeAll(async () => {
	browser = await getBrowser([`--host-resolver-rules=MAP ${insecure} 127.0.0.1`, partitioned])
	edge = await serveScript(await packModels())
})
afterEach(() => page?.context().close())

/** Opens a page with the edge's script in it. */
async function open(browser: Browser, path = '/', host = 'localhost'): Promise<void> {
	const script = `<!doctype html><title>shop</title><link rel="icon" href="data:,"><script src="${edge.url}/spillway.js"></script>`
	const framed = (attributes: string) => ({
		text: `<!doctype html><title>frame</title><link rel="icon" href="data:,"><iframe ${attributes}></iframe>`,
	})
	const site = await serveSite({ mounts: { '/': { text: script } } })
	const outside = await serveSite({
		mounts: {
			'/own': framed('src="/shop"'),
			'/shop': { text: script },
			'/other-site': framed(`src="${site.origin.replace('localhost', '127.0.0.1')}"`),
			'/sandbox': framed(`src="/shop" sandbox="allow-scripts"`),
			'/sandbox-of-same-origin': framed(`src="/shop" sandbox="allow-scripts allow-same-origin"`),
		},
	})
	page = await (await browser.newContext()).newPage()
	await page.goto((path === '/' ? site : outside).origin.replace('localhost', host) + path)
}

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

/** What `ready` says, and who answers then. */
const use = (where: Page | Frame | undefined) =>
	where
		?.waitForFunction(() => 'spillway' in window)
		.then(() =>
			where.evaluate(async (key) => {
				const runtime = window.spillway.createRuntime({ key })
				const model = runtime.model('tiny-text')
				const ready = await model.ready().then(
					() => 'ready' as const,
					({ code, message }) => ({ code, message }),
				)
				const { vectors, ran } = await model.embed(['hello world'])
				await runtime.dispose()
				return { ready, vector: [...(vectors[0] ?? [])], executor: ran.executor, overflow: ran.overflow }
			}, key),
		)

const here = { ready: 'ready', vector: hello, executor: 'device', overflow: [] }
/** The device says why it cannot, and the edge answers. */
const elsewhere = (why: string) => ({
	ready: { code: 'environment', message: `this page lacks ${why}` },
	vector: hello,
	executor: 'edge',
	overflow: [{ executor: 'device', reason: 'unsupported', detail: `environment: this page lacks ${why}` }],
})

describe('in a frame', () => {
	test.each(['own', 'other-site', 'sandbox-of-same-origin'])('%s: the device answers', async (kind) => {
		await open(browser, `/${kind}`)
		expect(await use(page.frames()[1])).toEqual(here)
	})

	test('of another site, for which the browser keeps neither storage nor locks: one clear error, and the edge answers', async () => {
		await open(await getBrowser(), '/other-site')
		const { ready, ...answer } = (await use(page.frames()[1])) ?? {}
		expect(ready).toEqual({ code: 'environment', message: expect.stringContaining('Web Locks are refused here') })
		expect(answer).toMatchObject({ vector: hello, executor: 'edge', overflow: [{ executor: 'device', reason: 'unsupported' }] })
	})

	test('sandboxed, without an origin: one clear error, and the edge answers', async () => {
		await open(browser, '/sandbox')
		expect(await use(page.frames()[1])).toEqual(elsewhere('an origin: its frame needs sandbox="allow-same-origin"'))
	})
})

test('without https: one clear error, and the edge answers', async () => {
	await open(browser, '/', insecure)
	expect(await page.evaluate(() => isSecureContext)).toBe(false)
	expect(await use(page)).toEqual(elsewhere('https'))
})
