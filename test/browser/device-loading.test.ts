// How the device loads models, what is told meanwhile, what goes wrong, and what is asked of the network after that.

import { describe, expect, test } from 'vitest'
import { devicePage, hello } from './device-page.ts'

const on = devicePage('one for each')

describe('loading', () => {
	const ready = (model: string) => on.page.evaluate((model) => window.errorOf(window.runtime.model(model).ready()), model)

	test('tells how far it is, up to the end', async () => {
		const progress = await on.page.evaluate(async () => {
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
		const before = on.site.asked.length
		await on.page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			await Promise.all([model.ready(), model.ready(), window.runtime.load('tiny-text')])
			await model.ready()
		})
		const asked = on.site.asked.slice(before).filter((path) => path.includes('/models/'))
		expect(new Set(asked).size).toBe(asked.length)
	})

	test('a load that failed does not spoil the next one, nor those of other models', async () => {
		on.site.fault = (path, response) => path.includes('/chunks/') && !!response.writeHead(404).end()
		expect(await ready('tiny-text')).toMatchObject({ name: 'SpillwayError', code: 'not-found' })
		on.site.fault = undefined
		expect(await ready('tiny-pixels')).toBe('none')
		expect(await ready('tiny-text')).toBe('none')
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a call after a failed load tries again', async () => {
		on.site.fault = (path, response) => path.includes('/manifests/') && !!response.writeHead(500).end()
		expect(await on.page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))).not.toBe('none')
		on.site.fault = undefined
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})

	test.each([
		['engine.js', 'environment'],
		['session.js', 'environment'],
		['ort-wasm-simd-threaded.wasm', 'network'],
	])('%s that is not there is a typed error, and no harm when it is there again', async (file, code) => {
		on.site.fault = (path, response) => path.endsWith(file) && !!response.writeHead(404).end()
		expect(await ready('tiny-text')).toMatchObject({ name: 'SpillwayError', code: expect.stringMatching(`${code}|not-found`) })
		on.site.fault = undefined
		expect(await ready('tiny-text')).toBe('none')
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})

	test('a flipped byte on the wire is noticed', async () => {
		on.site.fault = (path, response) => path.includes('/chunks/') && !!response.end(Buffer.from('something else'))
		expect(await ready('tiny-text')).toMatchObject({ code: 'integrity' })
		on.site.fault = undefined
		expect(await ready('tiny-text')).toBe('none')
	})

	test('can be given up, and begun again', async () => {
		let release = () => {}
		on.site.fault = (path, response) => {
			if (!path.includes('/chunks/')) return false
			release = () => response.destroy()
			return true
		}
		const error = await on.page.evaluate(async () => {
			const controller = new AbortController()
			const ready = window.errorOf(window.runtime.model('tiny-text').ready({ signal: controller.signal }))
			setTimeout(() => controller.abort('enough'), 300)
			return ready
		})
		expect(error).toMatchObject({ code: 'aborted' })
		on.site.fault = undefined
		release()
		expect(await ready('tiny-text')).toBe('none')
	})

	test('one who gives up does not disturb another who waits', async () => {
		const results = await on.page.evaluate(async () => {
			const controller = new AbortController()
			const model = window.runtime.model('tiny-text')
			const [first, second] = [window.errorOf(model.ready({ signal: controller.signal })), window.errorOf(model.ready())]
			controller.abort()
			return Promise.all([first, second])
		})
		expect(results).toEqual([expect.objectContaining({ code: 'aborted' }), 'none'])
	})

	test('calls that wait for it keep to their deadlines', async () => {
		on.site.fault = (path) => path.includes('/manifests/')
		const error = await on.page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello'], { deadline: 300 })))
		expect(error).toMatchObject({ code: 'deadline-exceeded' })
	})

	test('no texts: no vectors, and nothing is loaded for them', async () => {
		const before = on.site.asked.length
		expect(await on.embed([])).toMatchObject({ vectors: [], space: null, ran: { executor: 'device', overflow: [] } })
		expect(on.site.asked.length).toBe(before)
	})

	test('explains what it did', async () => {
		await on.embed(['hello world'])
		const { device, ...explained } = await on.page.evaluate(() => window.runtime.model('tiny-text').explain())
		expect(explained).toEqual({ model: 'tiny-text', policy: 'device-only', edge: null })
		expect(device?.estimate.can).toBe('now')
		expect(device?.report).toMatchObject({ state: 'ready', version: '1.0.0', provider: 'wasm', golden: 'passed', error: null, notes: [] })
	})

	test('explains what is not there yet', async () => {
		const { device } = await on.page.evaluate(() => window.runtime.model('tiny-text').explain())
		expect(device).toEqual({ estimate: { can: 'loading', reason: 'loading', queue: 0, run: 0 }, report: null })
	})
})

describe('private', () => {
	test('under device-only, a model that was put to sleep or whose engine died comes from storage alone; no look for updates', async () => {
		await on.page.evaluate((trust) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', idle: 200 })
		}, on.models.trust)
		await on.embed(['hello world'])
		const asked = on.site.asked.length
		const state = () => on.page.evaluate(async () => (await window.runtime.model('tiny-text').explain()).device?.report?.state)
		await expect.poll(state).toBe('absent')
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
		expect(on.site.asked.slice(asked)).toEqual([])
		await on.page
			.workers()
			.find((one) => one.url().endsWith('engine.js'))
			?.evaluate(() => self.close())
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
		expect(on.site.asked.slice(asked).filter((path) => !path.endsWith('.js'))).toEqual([])
	})

	test('under device-only nothing is sent once the model is there, whatever is called', async () => {
		await on.page.evaluate(() => window.runtime.load('tiny-text'))
		// What the load itself had begun, such as a look at the channel.
		await new Promise((resolve) => setTimeout(resolve, 500))
		const before = on.site.asked.length
		const requests: string[] = []
		on.page.context().on('request', (request) => requests.push(request.url()))
		const codes = await on.page.evaluate(async () => {
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
		expect(on.site.asked.slice(before)).toEqual([])
		expect(requests).toEqual([])
		expect(await on.page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0)
	})
})
