// Device and edge together: who answers a page's call when one of them cannot, not yet, or must not.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { RuntimeOptions, SpillwayError } from '../../runtime/index.ts'
import { makeGate } from '../contract/gate.ts'
import { startLocal } from '../edge/local.ts'
import { expectedNumbers, keys } from '../edge/suites/under-test.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { blockSession, openPage, pageHtml, runtimeFolder } from './page.ts'
import { type Site, serveSite } from './site.ts'

let browser: Browser
let edge: Awaited<ReturnType<typeof startLocal>>
/** Where the page is: another origin than the edge's. */
let site: Site
let page: Page
const gate = makeGate()
let calls = 0

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
async function open(options: RuntimeOptions = {}, before: (page: Page) => Promise<unknown> = async () => {}): Promise<void> {
	page = await openPage(browser, site, before)
	await page.evaluate(
		(options) => {
			window.runtime = window.spillway.createRuntime(options)
		},
		{ edge: edge.url, key: keys.demo, ...options },
	)
}

const embed = (options: object = {}) =>
	page.evaluate(async (options) => {
		const { vectors, space, ran } = await window.runtime.model('m').embed(['hello world'], options)
		return { vectors: vectors.map((vector) => [...vector]), space, ran }
	}, options)
const ready = () => page.evaluate(() => window.errorOf(window.runtime.model('m').ready()))

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

describe('prefer-device', () => {
	test('the edge answers until the device can, and both answer in one space', async () => {
		await open()
		const first = await embed()
		expect(first).toMatchObject({ vectors: [hello], space: edge.space, ran: { executor: 'edge', provider: 'cpu', hops: 1 } })
		expect(first.ran.overflow).toEqual([{ executor: 'device', reason: 'loading' }])
		// The call began the load.
		await expect.poll(async () => (await embed()).ran.executor, { timeout: 30_000 }).toBe('device')
		const later = await embed({ space: first.space })
		expect(later).toMatchObject({
			vectors: [hello],
			space: edge.space,
			ran: { executor: 'device', provider: 'wasm', hops: 0, overflow: [] },
		})
	})

	test('the trust keys and the model come from the edge, without a word about either', async () => {
		await open()
		expect(await ready()).toBe('none')
		expect((await embed()).ran.executor).toBe('device')
		expect(calls).toBe(0)
	})

	test('tensors, too', async () => {
		await open()
		const y = await page.evaluate(async () => {
			const x = window.spillway.tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
			const { tensors, ran } = await window.runtime.model('tiny').infer({ x }, { policy: 'edge-only' })
			return { data: [...(tensors.y?.data ?? [])].map(Number), ran }
		})
		expect(y.data).toEqual(expectedNumbers)
		expect(y.ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
	})

	test('when the device cannot load, the edge goes on answering and says why', async () => {
		await open({ models: `${site.origin}/nothing/`, trust: [(await generateSigningKey()).x] })
		expect(await ready()).toMatchObject({ code: 'not-found' })
		const { ran } = await embed()
		expect(ran).toMatchObject({
			executor: 'edge',
			overflow: [{ executor: 'device', reason: 'unsupported', detail: expect.stringMatching(/^not-found: /) }],
		})
	})

	test('a key that the edge does not know is an error that says so', async () => {
		await open({ key: 'pk_unknown' })
		expect(await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { policy: 'edge-only' })))).toMatchObject({
			code: 'unauthenticated',
		})
	})

	test('a device that does not answer in time gives way to the edge while there is time', async () => {
		await open()
		expect(await ready()).toBe('none')
		await blockSession(page, 3000)
		const { vectors, ran } = await embed({ deadline: 2500 })
		expect(vectors).toEqual([hello])
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
	})

	test('also in a hidden page, whose timers sleep', async () => {
		await open()
		expect(await ready()).toBe('none')
		await page.evaluate(() => {
			Object.defineProperty(document, 'hidden', { value: true })
			const { setTimeout } = window
			window.setTimeout = ((wake: () => void, milliseconds = 0) => setTimeout(wake, milliseconds + 60_000)) as typeof setTimeout
		})
		await blockSession(page, 3000)
		const { vectors, ran } = await embed({ deadline: 2500 })
		expect(vectors).toEqual([hello])
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
	})

	test('a space or a version that the device has not is not even asked of it', async () => {
		await open()
		expect(await ready()).toBe('none')
		const failure = (options: object) =>
			page.evaluate(async ([options]) => window.errorOf(window.runtime.model('m').embed(['hello'], options)), [options])
		expect(await failure({ space: `m@${'0'.repeat(64)}/fp32`, policy: 'device-only' })).toMatchObject({ code: 'unsupported' })
		expect(await failure({ space: `m@${'0'.repeat(64)}/fp32` })).toMatchObject({
			code: 'unsupported',
			message: expect.stringMatching(/the device has space m@|answers here in space m@/),
		})
		expect(calls).toBe(0)
	})

	test('when the edge is gone, the device answers, and before that says that nobody can', async () => {
		await open()
		await page.context().setOffline(true)
		const error = await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { deadline: 5000 })))
		expect(error).toMatchObject({ name: 'SpillwayError' })
		await page.context().setOffline(false)
		expect(await ready()).toBe('none')
		await page.context().setOffline(true)
		expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(await page.evaluate(async () => (await window.runtime.model('m').explain()).edge?.estimate)).toMatchObject({
			can: 'no',
			reason: 'unhealthy',
			detail: 'offline',
		})
	})
})

describe('device-only', () => {
	test('the edge is never asked to answer, and what calls it is not even loaded', async () => {
		site.asked.length = 0
		await open({ policy: 'device-only' })
		expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(calls).toBe(0)
		expect(site.asked).toContain('/spillway/engine.js')
		expect(site.asked).not.toContain('/spillway/edge.js')
	})

	test('for one call, where the runtime would allow more', async () => {
		await open()
		expect((await embed({ policy: 'device-only' })).ran.executor).toBe('device')
		expect(calls).toBe(0)
	})
})

describe('prefer-edge', () => {
	test('the edge answers, and no model is downloaded; ready() downloads it all the same', async () => {
		site.asked.length = 0
		await open({ policy: 'prefer-edge' })
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		expect(site.asked).not.toContain('/spillway/engine.js')
		expect(await ready()).toBe('none')
		expect((await embed()).ran.executor).toBe('edge')
	})

	test('the device is loaded, and answers, when the edge cannot', async () => {
		await open({ policy: 'prefer-edge', key: 'pk_unknown' })
		expect((await embed()).ran).toMatchObject({
			executor: 'device',
			overflow: [{ executor: 'edge', reason: 'unhealthy', detail: expect.stringMatching(/^unauthenticated/) }],
		})
	})

	test('also when the edge does not answer', async () => {
		await open({ policy: 'prefer-edge' })
		const release = gate.close()
		try {
			expect((await embed()).ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		} finally {
			release()
		}
	})
})

describe('fastest', () => {
	test('the edge while it alone can; then who is expected to be faster', async () => {
		await open({ policy: 'fastest' })
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		expect(await ready()).toBe('none')
		const explained = await page.evaluate(() => window.runtime.model('m').explain())
		const finish = (one: { estimate: { queue: number; run: number } } | null) => (one ? one.estimate.queue + one.estimate.run : Number.NaN)
		const faster = finish(explained.device) <= finish(explained.edge) ? 'device' : 'edge'
		expect((await embed()).ran.executor).toBe(faster)
	})
})

describe('edge-only', () => {
	test('when what calls the edge could not be loaded, the next call tries again', async () => {
		site.fault = (path, response) => path.endsWith('/edge.js') && !!response.writeHead(503).end()
		await open({ policy: 'edge-only' })
		const failed = () => page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'])))
		expect(await failed()).toMatchObject({ code: 'network', message: expect.stringContaining('edge.js') })
		expect(await failed()).toMatchObject({ code: 'network' })
		site.fault = undefined
		expect((await embed()).ran).toMatchObject({ executor: 'edge' })
	})

	test('nothing is loaded: no worker, no model', async () => {
		await open({ policy: 'edge-only' })
		const requests: string[] = []
		page.on('request', (request) => requests.push(new URL(request.url()).pathname))
		expect(await ready()).toBe('none')
		expect((await embed()).ran).toMatchObject({ executor: 'edge', overflow: [] })
		expect(page.workers()).toEqual([])
		expect(requests.filter((path) => path !== '/spillway/telemetry.js')).toEqual(['/v1/tasks/embed'])
	})

	test('an answer that does not come: the deadline', async () => {
		await open({ policy: 'edge-only' })
		const release = gate.close()
		const error = await page.evaluate(() => window.errorOf(window.runtime.model('m').embed(['hello'], { deadline: 200 })))
		release()
		expect(error).toMatchObject({ code: 'deadline-exceeded' })
	})

	test('aborted, and disposed', async () => {
		await open({ policy: 'edge-only' })
		const release = gate.close()
		const errors = await page.evaluate(async () => {
			const model = window.runtime.model('m')
			const controller = new AbortController()
			const first = window.errorOf(model.embed(['hello'], { signal: controller.signal }))
			const second = window.errorOf(model.embed(['hello']))
			setTimeout(() => controller.abort(), 50)
			await first
			await window.runtime.dispose()
			return [await first, await second].map((error) => (error as SpillwayError).code)
		})
		release()
		expect(errors).toEqual(['aborted', 'disposed'])
	})
})

describe('a page that cannot run models is answered by the edge, and told why', () => {
	const environment = (missing: RegExp) => ({
		executor: 'edge',
		overflow: [{ executor: 'device', reason: 'unsupported', detail: expect.stringMatching(missing) }],
	})

	test('no secure context', async () => {
		const port = new URL(site.origin).port
		const secure = site.origin
		Object.assign(site, { origin: `http://insecure.test:${port}` })
		try {
			await open()
		} finally {
			Object.assign(site, { origin: secure })
		}
		expect(await page.evaluate(() => isSecureContext)).toBe(false)
		expect((await embed()).ran).toMatchObject(environment(/^environment: .*https/))
		expect(await ready()).toMatchObject({ code: 'environment' })
	})

	test.each(['Worker', 'WebAssembly'])('no %s', async (name) => {
		await open({}, (page) => page.addInitScript(`delete globalThis.${name}`))
		expect((await embed()).ran).toMatchObject(environment(new RegExp(`^environment: .*${name}`)))
	})

	test('a content security policy that forbids workers', async () => {
		site.fault = (_, response) => {
			response.setHeader('Content-Security-Policy', "worker-src 'none'")
			return false
		}
		try {
			await open()
			expect(await ready()).toMatchObject({ code: 'environment' })
			expect((await embed()).ran).toMatchObject(environment(/^environment: /))
		} finally {
			site.fault = undefined
		}
	})
})
