// The device: models from a plain static host, no edge anywhere, answer in a page's workers.

import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SpillwayError } from '../../runtime/index.ts'
import { ringReference } from '../fixtures/ring/make.ts'
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

/** A page with a runtime in it, with nothing stored. */
async function fresh(from: Site): Promise<Page> {
	const opened = await openPage(browser, from)
	await opened.evaluate((trust) => {
		window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
	}, models.trust)
	return opened
}

beforeEach(async () => {
	page = await fresh(site)
})
afterEach(async () => {
	site.fault = undefined
	await page.context().close()
})

const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5))
const hello = close(expectedVector([2, 4, 5, 3]))

/** Embeds on the page and gives plain numbers back. */
const embed = (texts: string[], options = {}) =>
	page.evaluate(
		async ([texts, options]) => {
			const { vectors, space, ran } = await window.runtime.model('tiny-text').embed(texts, options)
			return { vectors: vectors.map((vector) => [...vector]), space, ran }
		},
		[texts, options] as const,
	)

describe('answers', () => {
	test('a text, without waiting for ready before', async () => {
		const { vectors, space, ran } = await embed(['hello world'])
		expect(vectors).toEqual([hello])
		expect(space).toMatch(/^tiny-text@[0-9a-f]{64}\/fp32$/)
		expect(ran).toEqual({
			executor: 'device',
			provider: 'wasm',
			model: 'tiny-text',
			version: '1.0.0',
			variant: 'fp32',
			space,
			queue: expect.any(Number),
			run: expect.any(Number),
			batch: 1,
			hops: 0,
			overflow: [],
		})
	})

	test('many texts in one call, in order', async () => {
		const texts = Array.from({ length: 50 }, (_, i) => (i % 2 ? 'hello world' : 'red'))
		const { vectors } = await embed(texts)
		vectors.forEach((vector, i) => {
			expect(vector).toEqual(i % 2 ? hello : close(expectedVector([2, 9, 3])))
		})
	})

	test('many calls at once, each its own', async () => {
		const vectors = await page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const texts = Array.from({ length: 100 }, (_, i) => (i % 2 ? 'hello world' : 'red'))
			return Promise.all(texts.map(async (text) => [...((await model.embed([text])).vectors[0] ?? [])]))
		})
		vectors.forEach((vector, i) => {
			expect(vector).toEqual(i % 2 ? hello : close(expectedVector([2, 9, 3])))
		})
	})

	test('no texts: no vectors, and nothing is loaded for them', async () => {
		const before = site.asked.length
		expect(await embed([])).toMatchObject({ vectors: [], space: null, ran: { executor: 'device', overflow: [] } })
		expect(site.asked.length).toBe(before)
	})

	test('raw tensors of a model that is no text model', async () => {
		const signal = [0.5, -1, 0.25, 0.75, -0.5, 1]
		const { filtered, peak, ran } = await page.evaluate(async (signal) => {
			const { tensors, ran } = await window.runtime.model('ring').infer({
				signal: window.spillway.tensor('FP32', [signal.length], Float32Array.from(signal)),
				gain: { datatype: 'FP32', shape: [1], data: Float32Array.of(2) },
			})
			return { filtered: [...(tensors.filtered?.data ?? [])] as number[], peak: Number(tensors.peak?.data[0]), ran }
		}, signal)
		const expected = ringReference(signal, 2)
		expect(filtered).toEqual(Array.from(expected.filtered, (value) => expect.closeTo(value, 3)))
		expect(peak).toBeCloseTo(expected.peak, 3)
		expect(ran).toMatchObject({ executor: 'device', model: 'ring', provider: 'wasm' })
	})

	test('in a cross-origin isolated page as well', async () => {
		const isolated = await staticHost(models, { isolated: true })
		await page.context().close()
		page = await fresh(isolated)
		expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})
})

describe('refuses, with a typed error', () => {
	test.each<[string, () => Promise<unknown>, string, RegExp]>([
		['text that is no array', () => window.runtime.model('tiny-text').embed('hello' as never), 'invalid-input', /array/],
		['what is no text', () => window.runtime.model('tiny-text').embed(['a', 1 as never]), 'invalid-input', /texts\[1\]/],
		[
			'a deadline that is no number',
			() => window.runtime.model('tiny-text').embed(['a'], { deadline: Number.NaN }),
			'invalid-input',
			/deadline/,
		],
		[
			'a deadline that never ends',
			() => window.runtime.model('tiny-text').embed(['a'], { deadline: Number.POSITIVE_INFINITY }),
			'invalid-input',
			/deadline/,
		],
		['a signal that is none', () => window.runtime.model('tiny-text').embed(['a'], { signal: {} as never }), 'invalid-input', /./],
		['to loosen the policy', () => window.runtime.model('tiny-text').embed(['a'], { policy: 'prefer-device' }), 'invalid-input', /tighten/],
		['tensors that are none', () => window.runtime.model('ring').infer({ signal: [1, 2] as never }), 'invalid-input', /./],
		['no tensors', () => window.runtime.model('ring').infer({}), 'invalid-input', /tensors/],
		['what a worker cannot be sent', () => window.runtime.model('ring').infer({ signal: (() => {}) as never }), 'invalid-input', /./],
		['another space', () => window.runtime.model('tiny-text').embed(['a'], { space: 'other@0/fp32' }), 'unsupported', /space/],
		['a model that is not there', () => window.runtime.model('nothing').embed(['a']), 'not-found', /./],
		['a version that is not there', () => window.runtime.model('tiny-text', { version: '9.9.9' }).embed(['a']), 'not-found', /9\.9\.9/],
		[
			'tensors of a text model in wrong shape',
			() => window.runtime.model('tiny-text').infer({ ids: { datatype: 'INT64', shape: [1], data: BigInt64Array.of(1n) } }),
			'invalid-input',
			/./,
		],
		['text for a model without a task', () => window.runtime.model('ring').embed(['a']), 'unsupported', /./],
	])('%s', async (_, act, code, message) => {
		const error = await page.evaluate(`errorOf((${act})())`)
		expect(error).toEqual({ name: 'SpillwayError', code, message: expect.stringMatching(message) })
		// And nothing is broken by it.
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a name that is none, at once', async () => {
		const code = await page.evaluate(() => {
			try {
				window.runtime.model('../secret')
			} catch (error) {
				return (error as SpillwayError).code
			}
		})
		expect(code).toBe('invalid-input')
	})
})

describe('loading', () => {
	const ready = (model: string) => page.evaluate((model) => window.errorOf(window.runtime.model(model).ready()), model)

	test('tells how far it is, up to the end', async () => {
		const progress = await page.evaluate(async () => {
			const told: { phase: string; loaded: number; total: number; model: string }[] = []
			await window.runtime.load('tiny-text', { onProgress: (one) => told.push(one) })
			return told
		})
		expect(progress.at(-1)).toMatchObject({ model: 'tiny-text', phase: 'ready' })
		const last = progress.at(-1)
		expect(last?.loaded).toBe(last?.total)
		const phases = ['channel', 'files', 'session', 'ready']
		for (const [i, one] of progress.entries()) {
			const before = progress[i - 1]
			expect(phases.indexOf(one.phase)).toBeGreaterThanOrEqual(phases.indexOf(before?.phase ?? 'channel'))
			expect(one.loaded).toBeGreaterThanOrEqual(before?.loaded ?? 0)
		}
	})

	test('ready again and again, at once and later: one load', async () => {
		const before = site.asked.length
		await page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			await Promise.all([model.ready(), model.ready(), window.runtime.load('tiny-text')])
			await model.ready()
		})
		const asked = site.asked.slice(before).filter((path) => path.includes('/models/'))
		expect(new Set(asked).size).toBe(asked.length)
	})

	test('a load that failed does not spoil the next one, nor those of other models', async () => {
		site.fault = (path, response) => path.includes('/chunks/') && !!response.writeHead(404).end()
		expect(await ready('tiny-text')).toMatchObject({ name: 'SpillwayError', code: 'not-found' })
		site.fault = undefined
		expect(await ready('tiny-pixels')).toBe('none')
		expect(await ready('tiny-text')).toBe('none')
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a call after a failed load tries again', async () => {
		site.fault = (path, response) => path.includes('/manifests/') && !!response.writeHead(500).end()
		expect(await page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))).not.toBe('none')
		site.fault = undefined
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})

	test.each([
		['engine.js', 'environment'],
		['session.js', 'environment'],
		['ort-wasm-simd-threaded.wasm', 'network'],
	])('%s that is not there is a typed error, and no harm when it is there again', async (file, code) => {
		site.fault = (path, response) => path.endsWith(file) && !!response.writeHead(404).end()
		expect(await ready('tiny-text')).toMatchObject({ name: 'SpillwayError', code: expect.stringMatching(`${code}|not-found`) })
		site.fault = undefined
		expect(await ready('tiny-text')).toBe('none')
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a flipped byte on the wire is noticed', async () => {
		site.fault = (path, response) => path.includes('/chunks/') && !!response.end(Buffer.from('something else'))
		expect(await ready('tiny-text')).toMatchObject({ code: 'integrity' })
		site.fault = undefined
		expect(await ready('tiny-text')).toBe('none')
	})

	test('can be given up, and begun again', async () => {
		let release = () => {}
		site.fault = (path, response) => {
			if (!path.includes('/chunks/')) return false
			release = () => response.destroy()
			return true
		}
		const error = await page.evaluate(async () => {
			const controller = new AbortController()
			const ready = window.errorOf(window.runtime.model('tiny-text').ready({ signal: controller.signal }))
			setTimeout(() => controller.abort('enough'), 300)
			return ready
		})
		expect(error).toMatchObject({ code: 'aborted' })
		site.fault = undefined
		release()
		expect(await ready('tiny-text')).toBe('none')
	})

	test('one who gives up does not disturb another who waits', async () => {
		const results = await page.evaluate(async () => {
			const controller = new AbortController()
			const model = window.runtime.model('tiny-text')
			const [first, second] = [window.errorOf(model.ready({ signal: controller.signal })), window.errorOf(model.ready())]
			controller.abort()
			return Promise.all([first, second])
		})
		expect(results).toEqual([expect.objectContaining({ code: 'aborted' }), 'none'])
	})

	test('calls that wait for it keep to their deadlines', async () => {
		site.fault = (path) => path.includes('/manifests/')
		const error = await page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello'], { deadline: 300 })))
		expect(error).toMatchObject({ code: 'deadline-exceeded' })
	})

	test('explains what it did', async () => {
		await embed(['hello world'])
		const { device, ...explained } = await page.evaluate(() => window.runtime.model('tiny-text').explain())
		expect(explained).toEqual({ model: 'tiny-text', policy: 'device-only', edge: null })
		expect(device?.estimate.can).toBe('now')
		expect(device?.report).toMatchObject({ state: 'ready', version: '1.0.0', provider: 'wasm', golden: 'passed', error: null, notes: [] })
	})

	test('explains what is not there yet', async () => {
		const { device } = await page.evaluate(() => window.runtime.model('tiny-text').explain())
		expect(device).toEqual({ estimate: { can: 'loading', reason: 'loading', queue: 0, run: 0 }, report: null })
	})
})

describe('private', () => {
	test('under device-only, a model that was put to sleep or whose engine died comes from storage alone; no look for updates', async () => {
		await page.evaluate((trust) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', idle: 200 })
		}, models.trust)
		await embed(['hello world'])
		const asked = site.asked.length
		const state = () => page.evaluate(async () => (await window.runtime.model('tiny-text').explain()).device?.report?.state)
		await expect.poll(state).toBe('absent')
		expect((await embed(['hello world'])).vectors).toEqual([hello])
		expect(site.asked.slice(asked)).toEqual([])
		await page
			.workers()
			.find((one) => one.url().endsWith('engine.js'))
			?.evaluate(() => self.close())
		expect((await embed(['hello world'])).vectors).toEqual([hello])
		expect(site.asked.slice(asked).filter((path) => !path.endsWith('.js'))).toEqual([])
	})

	test('under device-only nothing is sent once the model is there, whatever is called', async () => {
		await page.evaluate(() => window.runtime.load('tiny-text'))
		// What the load itself had begun, such as a look at the channel.
		await new Promise((resolve) => setTimeout(resolve, 500))
		const before = site.asked.length
		const requests: string[] = []
		page.context().on('request', (request) => requests.push(request.url()))
		const codes = await page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const outcomes: string[] = []
			for (let i = 0; i < 20; i++) {
				const options = [{}, { deadline: 0 }, { signal: AbortSignal.abort() }, { space: 'other@0/fp32' }, { deadline: 0.01 }][i % 5]
				const result = await window.errorOf(model.embed([`hello ${i}`], options))
				outcomes.push(result === 'none' ? 'answered' : result.code)
			}
			await model.explain()
			await window.runtime.dispose()
			return outcomes
		})
		await new Promise((resolve) => setTimeout(resolve, 500))
		expect(new Set(codes)).toEqual(new Set(['answered', 'deadline-exceeded', 'aborted', 'unsupported']))
		expect(site.asked.slice(before)).toEqual([])
		expect(requests).toEqual([])
		expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0)
	})
})

describe('disposed', () => {
	test('calls under way and loads settle, later ones are refused, and the workers are gone', async () => {
		await embed(['hello world'])
		expect(page.workers().length).toBeGreaterThan(0)
		const outcomes = await page.evaluate(async () => {
			const { runtime, errorOf } = window
			const model = runtime.model('tiny-text')
			const pending = Array.from({ length: 20 }, () => errorOf(model.embed(['hello world'])))
			const loading = errorOf(runtime.load('ring'))
			const disposed = runtime.dispose()
			const settled = await Promise.all([...pending, loading])
			await disposed
			await runtime.dispose()
			const later = await Promise.all([errorOf(model.embed(['hello'])), errorOf(model.ready()), errorOf(runtime.load('ring'))])
			return [...settled, ...later].map((one) => (one === 'none' ? 'answered' : one.code))
		})
		expect(outcomes).toEqual(Array(24).fill('disposed'))
		await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0)
	})

	test('a new runtime in the same page works', async () => {
		await embed(['hello world'])
		await page.evaluate(async (trust) => {
			await window.runtime.dispose()
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		}, models.trust)
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})
})

/** Ends the worker whose script it is, from inside. */
const kill = (script: 'engine.js' | 'session.js') => worker(script)?.evaluate(() => self.close())
const worker = (script: string) => page.workers().find((one) => one.url().endsWith(script))

describe.each(['engine.js', 'session.js'] as const)('the worker of %s dies', (script) => {
	test('with calls waiting: they are answered by a new one', async () => {
		await embed(['hello world'])
		const failed = page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const answers = Array.from({ length: 200 }, () => window.errorOf(model.embed(['hello world', 'red', 'blue', 'green'])))
			return (await Promise.all(answers)).filter((one) => one !== 'none')
		})
		await kill(script)
		expect(await failed).toEqual([])
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})

	test('without any: later calls are answered by a new one', async () => {
		await embed(['hello world'])
		await kill(script)
		await expect.poll(() => worker(script) === undefined || script === 'session.js', { timeout: 20_000 }).toBe(true)
		expect((await embed(['hello world'])).vectors).toEqual([hello])
	})
})

test('an engine that dies while it loads: the load goes on in a new one', async () => {
	let held = true
	const before = site.asked.length
	site.fault = (path, response) => path.includes('/chunks/') && held && !!setTimeout(() => response.destroy(), 5000)
	const loaded = page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').ready()))
	await expect.poll(() => site.asked.slice(before).some((path) => path.includes('/chunks/')), { timeout: 20_000 }).toBe(true)
	held = false
	await kill('engine.js')
	expect(await loaded).toBe('none')
})

test('a session worker that does not come back: calls settle in time, and later ones are answered', async () => {
	await embed(['hello world'])
	await blockSession(page, 2500)
	const outcomes = await page.evaluate(async () => {
		const model = window.runtime.model('tiny-text')
		const started = performance.now()
		const codes = await Promise.all(
			Array.from({ length: 5 }, () =>
				window.errorOf(model.embed(['hello world'], { deadline: 200 })).then((one) => (one === 'none' ? one : one.code)),
			),
		)
		return { codes: [...new Set(codes)], time: performance.now() - started }
	})
	expect(outcomes.codes).toEqual(['deadline-exceeded'])
	expect(outcomes.time).toBeLessThan(2000)
	expect((await embed(['hello world'])).vectors).toEqual([hello])
})
