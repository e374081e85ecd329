// A runtime that is disposed of: everything settles, and nothing is left.

import { expect, test } from 'vitest'
import { lifecyclePage } from './lifecycle-page.ts'
import { blockSession } from './page.ts'

const on = lifecyclePage()

/** What was left at the moment at which `dispose` resolved. */
const dispose = () =>
	on.page.evaluate(async () => {
		const started = performance.now()
		await window.runtime.dispose()
		const time = performance.now() - started
		const { held = [] } = await navigator.locks.query()
		return { time, left: held.flatMap(({ name }) => name ?? []) }
	})

test('with calls under way: all settle before it resolves, and no worker is left', async () => {
	await on.open()
	await on.load('tiny-text')
	await on.load('ring')
	const { codes, left } = await on.page.evaluate(async () => {
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
	await expect.poll(() => on.page.workers().length).toBe(0)
})

test.each(['/channel.jws', '/chunks/', '.wasm', 'session.js'])('while it loads, and %s does not come', async (file) => {
	await on.open()
	let reached = false
	on.site.fault = (path) => {
		if (!path.includes(file)) return false
		reached = true
		return true
	}
	const loading = on.load('tiny-text')
	await expect.poll(() => reached).toBe(true)
	const { left } = await dispose()
	expect(left).toEqual([])
	expect(await loading).toMatchObject({ code: 'disposed' })
	await expect.poll(() => on.page.workers().length).toBe(0)
})

test('of a runtime whose load begins at the same moment', async () => {
	await on.open()
	const codes = await on.page.evaluate(async () => {
		const { runtime, errorOf } = window
		const first = errorOf(runtime.load('tiny-text'))
		const disposed = runtime.dispose()
		const later = errorOf(runtime.load('ring'))
		await disposed
		return Promise.all([first, later].map(async (one) => ((await one) as { code: string }).code))
	})
	expect(codes).toEqual(['disposed', 'disposed'])
	expect(await on.living()).toEqual([])
})

test('with a session worker that does not come back: in time all the same', async () => {
	await on.open()
	await on.load('tiny-text')
	await blockSession(on.page, 20_000)
	const call = on.page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'])))
	await new Promise((resolve) => setTimeout(resolve, 200))
	const { time } = await dispose()
	expect(time).toBeLessThan(15_000)
	expect(await call).toMatchObject({ code: 'disposed' })
	await expect.poll(() => on.page.workers().length).toBe(0)
})

test('with an engine that answers nothing: calls settle at once, and it is ended by force', async () => {
	await on.open()
	await on.load('tiny-text')
	const engine = on.page.workers().find((one) => one.url().endsWith('engine.js'))
	await engine?.evaluate(() => {
		setTimeout(() => {
			for (const end = Date.now() + 30_000; Date.now() < end; );
		})
	})
	const outcome = await on.page.evaluate(async () => {
		const { runtime, errorOf } = window
		await new Promise((resolve) => setTimeout(resolve, 100))
		// One text might be answered by a session worker.
		const late = await errorOf(runtime.model('tiny-text').embed(['hello', 'world'], { deadline: 300 }))
		const call = errorOf(runtime.model('tiny-text').embed(['hello', 'world']))
		const disposed = runtime.dispose()
		return { late, call: await call, disposed: await errorOf(disposed) }
	})
	expect(outcome).toMatchObject({ late: { code: 'deadline-exceeded' }, call: { code: 'disposed' }, disposed: 'none' })
	await expect.poll(() => on.page.workers().length).toBe(0)
})
