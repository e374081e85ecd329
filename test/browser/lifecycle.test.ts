// How models and engines come and go in a page: what does not fit, what nobody uses, what does not answer, and what is left of it all.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Description } from '../../models/format/manifest.ts'
import type { RuntimeOptions } from '../../runtime/index.ts'
import { startLocal } from '../edge/local.ts'
import { keys } from '../edge/suites/under-test.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { expectedVector } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { blockSession, openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

let browser: Browser
let models: Models
let site: Site
let page: Page

beforeAll(async () => {
	browser = await getBrowser()
	models = await packModels()
	site = await staticHost(models)
})
afterEach(async () => {
	site.fault = undefined
	await page?.context().close()
})

/** Opens a page with a runtime in it. */
async function open(options: RuntimeOptions = {}): Promise<void> {
	page = await openPage(browser, site)
	await page.evaluate(
		(options) => {
			// Infinity does not travel.
			window.runtime = window.spillway.createRuntime(options)
		},
		{ models: '/models/', trust: models.trust, policy: 'device-only' as const, ...options },
	)
}

const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

const load = (name: string) => page.evaluate((name) => window.errorOf(window.runtime.load(name)), name)
const embed = (options = {}) =>
	page.evaluate(async (options) => {
		const { vectors, ran } = await window.runtime.model('tiny-text').embed(['hello world'], options)
		return { vectors: vectors.map((vector) => [...vector]), ran }
	}, options)
const report = async (name: string) =>
	(await page.evaluate((name) => window.runtime.model(name).explain(), name)).device?.report ?? expect.fail('no engine')

/** Threads that live, by the locks that they hold until they are really gone: what the page itself can know. */
const living = () =>
	page.evaluate(async () => {
		const { held = [] } = await navigator.locks.query()
		return held.map(({ name = '' }) => /^spillway-(engine|session)/.exec(name)?.[1]).sort()
	})

/** Of a tiny model with one worker: enough for one of them, too little for two. */
const oneModel = 45e6

/** The model `ring` for signals of any length, as `wide`: what it computes in is a hundred and twenty-eight times as large as its input. */
async function addWideRing(): Promise<void> {
	const folder = await makeRing(await mkdtemp(join(tmpdir(), 'spillway-ring-')))
	const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)))
	const description = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as Description
	const files = { 'ring.onnx': await read('ring.onnx'), 'ring-weights.bin': await read('ring-weights.bin') }
	await rm(folder, { recursive: true })
	const axes = Object.fromEntries(Object.keys(description.axes).map((name) => [name, {}]))
	await models.add({ ...description, model: 'wide', axes }, files)
}

describe('memory', () => {
	test('explain tells what a model takes, what all take, and what they may take', async () => {
		await open({ memory: 400e6 })
		await load('tiny-text')
		await load('ring')
		const [text, ring] = [await report('tiny-text'), await report('ring')]
		for (const { memory } of [text, ring]) {
			// ONNX Runtime alone takes 16 MiB.
			expect(memory.model).toBeGreaterThan(16 * 2 ** 20)
			expect(memory).toMatchObject({ budget: 400e6, used: text.memory.model + ring.memory.model })
		}
		expect((await report('tiny-pixels')).memory).toMatchObject({ model: 0 })
	})

	test('a model that is not needed now makes room for another, and is there again with the next call', async () => {
		await open({ memory: oneModel })
		expect(await load('tiny-text')).toBe('none')
		expect(await load('ring')).toBe('none')
		expect(await living()).toEqual(['engine', 'session'])
		expect(await report('tiny-text')).toMatchObject({
			state: 'absent',
			memory: { model: 0 },
			estimate: { can: 'loading', reason: 'loading', detail: expect.stringContaining('gave its memory back to another model') },
		})
		expect((await embed()).vectors).toEqual([hello])
		expect(await report('ring')).toMatchObject({ state: 'absent' })
		expect(await living()).toEqual(['engine', 'session'])
	})

	test('a model that calls are waiting for does not make room', async () => {
		await open({ memory: oneModel })
		await load('tiny-text')
		await blockSession(page, 3000)
		await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
		const call = embed()
		await expect.poll(() => load('ring')).toMatchObject({ code: 'out-of-memory', message: expect.stringMatching(/ring needs \d+ MB/) })
		expect((await call).vectors).toEqual([hello])
		expect(await load('ring')).toBe('none')
	})

	test('a model that never fits: nothing of it is downloaded, and nothing is harmed', async () => {
		const before = site.asked.length
		await open({ memory: 20e6 })
		expect(await load('tiny-text')).toMatchObject({ name: 'SpillwayError', code: 'out-of-memory' })
		expect(site.asked.slice(before).filter((path) => path.includes('/chunks/') || path.endsWith('.wasm'))).toEqual([])
		expect(await living()).toEqual(['engine'])
		expect(await report('tiny-text')).toMatchObject({
			state: 'failed',
			error: { code: 'out-of-memory' },
			estimate: { can: 'no', reason: 'memory' },
		})
	})

	test('a call that needs more than there may be fails alone', async () => {
		await addWideRing()
		await open({ memory: oneModel })
		const infer = (length: number) =>
			page.evaluate(async (length) => {
				const { runtime, errorOf, spillway } = window
				return errorOf(
					runtime.model('wide').infer({
						signal: spillway.tensor('FP32', [length], new Float32Array(length)),
						gain: spillway.tensor('FP32', [1], Float32Array.of(2)),
					}),
				)
			}, length)
		expect(await infer(4000)).toBe('none')
		const session = page.workers().find((one) => one.url().endsWith('session.js'))
		expect(await infer(60_000)).toMatchObject({ code: 'out-of-memory' })
		expect(await infer(16)).toBe('none')
		expect(page.workers()).toContain(session)
		expect((await report('wide')).memory.used).toBeLessThanOrEqual(oneModel + 10e6)
	})

	test('beside an edge its calls go there, with the reason', async () => {
		const edge = await startLocal()
		afterAll(edge.close)
		await open({ memory: 20e6, edge: edge.url, key: keys.demo, policy: 'prefer-device', models: undefined, trust: undefined })
		const call = () =>
			page.evaluate(async () => {
				const { ran } = await window.runtime.model('m').embed(['hello world'])
				return { executor: ran.executor, overflow: ran.overflow }
			})
		await expect.poll(call, { timeout: 20_000 }).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'memory' }] })
		// And the page goes on.
		for (let i = 0; i < 5; i++) expect(await call()).toMatchObject({ executor: 'edge', overflow: [{ reason: 'memory' }] })
	})
})

describe('a model that nobody uses', () => {
	test('gives its memory back, and is woken by the next call', async () => {
		await open({ idle: 700 })
		await load('tiny-text')
		expect(await living()).toEqual(['engine', 'session'])
		await expect.poll(living, { timeout: 10_000 }).toEqual(['engine'])
		expect(await report('tiny-text')).toMatchObject({
			state: 'absent',
			memory: { model: 0, used: 0 },
			estimate: { can: 'loading', detail: expect.stringContaining('gave its memory back after 700 ms without calls') },
		})
		expect((await embed()).vectors).toEqual([hello])
		expect(await living()).toEqual(['engine', 'session'])
	})

	test('stays while calls come, and while one is running', async () => {
		await open({ idle: 700 })
		await load('tiny-text')
		const session = page.workers().find((one) => one.url().endsWith('session.js'))
		for (let i = 0; i < 8; i++) {
			await embed()
			await new Promise((resolve) => setTimeout(resolve, 200))
		}
		await blockSession(page, 2000)
		await embed({ deadline: 10_000 })
		expect(page.workers()).toContain(session)
	})

	test('is there again for a call that comes just as it goes', async () => {
		await open({ idle: 300 })
		await load('tiny-text')
		const answered = await page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			let answered = 0
			for (let i = 0; i < 12; i++) {
				// Around the time at which it goes.
				await new Promise((resolve) => setTimeout(resolve, 280 + 4 * i))
				answered += (await model.embed(['hello world'])).vectors.length
			}
			return answered
		})
		expect(answered).toBe(12)
	})
})

describe('disposal', () => {
	/** What was left at the moment at which `dispose` resolved. */
	const dispose = () =>
		page.evaluate(async () => {
			const started = performance.now()
			await window.runtime.dispose()
			const time = performance.now() - started
			const { held = [] } = await navigator.locks.query()
			return { time, left: held.flatMap(({ name }) => name ?? []) }
		})

	test('with calls under way: all settle before it resolves, and no worker is left', async () => {
		await open()
		await load('tiny-text')
		await load('ring')
		const { codes, left } = await page.evaluate(async () => {
			const { runtime, errorOf } = window
			const codes: string[] = []
			const calls = Array.from({ length: 50 }, async () => {
				const error = await errorOf(runtime.model('tiny-text').embed(['hello world', 'red', 'blue']))
				codes.push(error === 'none' ? error : error.code)
			})
			await calls[0]
			await runtime.dispose()
			const settled = [...codes]
			const { held = [] } = await navigator.locks.query()
			await Promise.all(calls)
			return { codes: settled, left: held.flatMap(({ name }) => name ?? []) }
		})
		expect(codes).toHaveLength(50)
		expect(codes.filter((code) => code !== 'none' && code !== 'disposed')).toEqual([])
		expect(left).toEqual([])
		await expect.poll(() => page.workers().length).toBe(0)
	})

	test.each(['/channel.jws', '/chunks/', '.wasm', 'session.js'])('while it loads, and %s does not come', async (file) => {
		await open()
		let reached = false
		site.fault = (path) => {
			if (!path.includes(file)) return false
			reached = true
			return true
		}
		const loading = load('tiny-text')
		await expect.poll(() => reached, { timeout: 20_000 }).toBe(true)
		const { left } = await dispose()
		expect(left).toEqual([])
		expect(await loading).toMatchObject({ code: 'disposed' })
		await expect.poll(() => page.workers().length).toBe(0)
	})

	test('of a runtime whose load begins at the same moment', async () => {
		await open()
		const codes = await page.evaluate(async () => {
			const { runtime, errorOf } = window
			const first = errorOf(runtime.load('tiny-text'))
			const disposed = runtime.dispose()
			const later = errorOf(runtime.load('ring'))
			await disposed
			return Promise.all([first, later].map(async (one) => ((await one) as { code: string }).code))
		})
		expect(codes).toEqual(['disposed', 'disposed'])
		expect(await living()).toEqual([])
	})

	test('with a session worker that does not come back: in time all the same', async () => {
		await open()
		await load('tiny-text')
		await blockSession(page, 20_000)
		const call = page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))
		await new Promise((resolve) => setTimeout(resolve, 200))
		const { time } = await dispose()
		expect(time).toBeLessThan(15_000)
		expect(await call).toMatchObject({ code: 'disposed' })
		await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0)
	})

	test('with an engine that answers nothing: calls settle at once, and it is ended by force', async () => {
		await open()
		await load('tiny-text')
		const engine = page.workers().find((one) => one.url().endsWith('engine.js'))
		await engine?.evaluate(() => {
			setTimeout(() => {
				for (const end = Date.now() + 30_000; Date.now() < end; );
			})
		})
		const outcome = await page.evaluate(async () => {
			const { runtime, errorOf } = window
			await new Promise((resolve) => setTimeout(resolve, 100))
			const late = await errorOf(runtime.model('tiny-text').embed(['hello world'], { deadline: 300 }))
			const call = errorOf(runtime.model('tiny-text').embed(['hello world']))
			const disposed = runtime.dispose()
			return { late, call: await call, disposed: await errorOf(disposed) }
		})
		expect(outcome).toMatchObject({ late: { code: 'deadline-exceeded' }, call: { code: 'disposed' }, disposed: 'none' })
		await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0)
	})
})

test('an engine that dies while it starts: another is started, at once', async () => {
	await open()
	let killed = 0
	page.on('worker', (worker) => {
		if (!worker.url().endsWith('engine.js') || killed++ > 0) return
		const kill = worker.evaluate(async () => {
			const started = async () => (await navigator.locks.query()).held?.some(({ name }) => name?.startsWith('spillway-engine'))
			while (!(await started()));
			self.close()
		})
		// It does not live to tell.
		kill.catch(() => {})
	})
	const started = Date.now()
	expect(await load('tiny-text')).toBe('none')
	expect(killed).toBe(2)
	expect(Date.now() - started).toBeLessThan(25_000)
	expect(await living()).toEqual(['engine', 'session'])
})

describe('a page in the background', () => {
	test('whose timers sleep: calls are answered and end in time, models give their memory back, and disposal ends all', async () => {
		page = await openPage(browser, site, (page) =>
			page.addInitScript(() => {
				// As browsers do to pages that have been hidden for some minutes; a worker's timers they leave alone.
				const { setTimeout } = window
				window.setTimeout = ((handler: TimerHandler, _: number, ...rest: unknown[]) => setTimeout(handler, 60_000, ...rest)) as never
			}),
		)
		await page.evaluate((trust) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', idle: 1000 })
		}, models.trust)
		await load('tiny-text')
		expect((await embed()).vectors).toEqual([hello])
		await blockSession(page, 2000)
		await new Promise((resolve) => setTimeout(resolve, 100))
		const late = await page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'], { deadline: 300 })))
		expect(late).toMatchObject({ code: 'deadline-exceeded' })
		await expect.poll(living, { timeout: 20_000 }).toEqual(['engine'])
		expect((await embed()).vectors).toEqual([hello])
		await page.evaluate(() => window.runtime.dispose())
		expect(await living()).toEqual([])
	})

	test('that is frozen and thawed: what was under way is answered, and later calls are', async () => {
		await open()
		await load('tiny-text')
		const devtools = await page.context().newCDPSession(page)
		const calls = page.evaluate(() => {
			const model = window.runtime.model('tiny-text')
			return Promise.all(Array.from({ length: 20 }, () => window.errorOf(model.embed(['hello world']))))
		})
		await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
		await new Promise((resolve) => setTimeout(resolve, 1500))
		await devtools.send('Page.setWebLifecycleState', { state: 'active' })
		expect(await calls).toEqual(Array(20).fill('none'))
		expect((await embed()).vectors).toEqual([hello])
	})
})
