// The device's workers: disposed of, dying, and not coming back.

import { describe, expect, test } from 'vitest'
import { devicePage, hello } from './device-page.ts'
import { blockSession } from './page.ts'

const on = devicePage('one for each')

describe('disposed', () => {
	test('calls under way and loads settle, later ones are refused, and the workers are gone', async () => {
		await on.embed(['hello world'])
		expect(on.page.workers().length).toBeGreaterThan(0)
		const outcomes = await on.page.evaluate(async () => {
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
		await expect.poll(() => on.page.workers().length).toBe(0)
	})

	test('a new runtime in the same page works', async () => {
		await on.embed(['hello world'])
		await on.page.evaluate(async (trust) => {
			await window.runtime.dispose()
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' })
		}, on.models.trust)
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})
})

/** Ends the worker whose script it is, from inside. */
const kill = (script: 'engine.js' | 'session.js') => worker(script)?.evaluate(() => self.close())
const worker = (script: string) => on.page.workers().find((one) => one.url().endsWith(script))

describe.each(['engine.js', 'session.js'] as const)('the worker of %s dies', (script) => {
	test('with calls waiting: they are answered by a new one', async () => {
		await on.embed(['hello world'])
		const failed = on.page.evaluate(async () => {
			const model = window.runtime.model('tiny-text')
			const answers = Array.from({ length: 200 }, () => window.errorOf(model.embed(['hello world', 'red', 'blue', 'green'])))
			return (await Promise.all(answers)).filter((one) => one !== 'none')
		})
		await kill(script)
		expect(await failed).toEqual([])
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})

	test('without any: later calls are answered by a new one', async () => {
		await on.embed(['hello world'])
		await kill(script)
		await expect.poll(() => worker(script) === undefined || script === 'session.js').toBe(true)
		expect((await on.embed(['hello world'])).vectors).toEqual([hello])
	})
})

test('an engine that dies while it loads: the load goes on in a new one', async () => {
	let held = true
	const before = on.site.asked.length
	on.site.fault = (path, response) => path.includes('/chunks/') && held && !!setTimeout(() => response.destroy(), 5000)
	const loaded = on.page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').ready()))
	await expect.poll(() => on.site.asked.slice(before).some((path) => path.includes('/chunks/'))).toBe(true)
	held = false
	await kill('engine.js')
	expect(await loaded).toBe('none')
})

test('a text that is asked for alone is answered by the session worker itself, whatever the engine is at', async () => {
	await on.embed(['hello world'])
	// Its line to the page is laid a moment later.
	await expect
		.poll(
			async () => {
				await blockSession(on.page, 1000, 'engine.js')
				const free = worker('engine.js')?.evaluate(() => ({ vectors: [] }))
				const { vectors } = (await Promise.race([on.embed(['hello world']), free])) as { vectors: number[][] }
				await free
				return vectors
			},
			{ timeout: 20_000 },
		)
		.toEqual([hello])
	// The engine has had nothing to do with that, and goes on.
	expect((await on.embed(['hello', 'world'])).vectors).toHaveLength(2)
})

test('a session worker that does not come back: calls settle in time, and later ones are answered', async () => {
	await on.embed(['hello world'])
	await blockSession(on.page, 2500)
	const outcomes = await on.page.evaluate(async () => {
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
	expect((await on.embed(['hello world'])).vectors).toEqual([hello])
})
