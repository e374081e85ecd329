// How models and engines come and go in a page: what nobody uses, what dies while it starts, and what befalls a page in the background.

import { describe, expect, test } from 'vitest'
import { expectedVector } from '../runtime/tiny.ts'
import { lifecyclePage } from './lifecycle-page.ts'
import { blockSession, openPage } from './page.ts'

const on = lifecyclePage()
const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

describe('a model that nobody uses', () => {
	test('gives its memory back, and is woken by the next call', async () => {
		await on.open({ idle: 700 })
		await on.load('tiny-text')
		expect(await on.living()).toEqual(['engine', 'session'])
		await expect.poll(() => on.living()).toEqual(['engine'])
		expect(await on.report('tiny-text')).toMatchObject({
			state: 'absent',
			memory: { model: 0, used: 0 },
			estimate: { can: 'loading', detail: expect.stringContaining('gave its memory back after 700 ms without calls') },
		})
		expect((await on.embed()).vectors).toEqual([hello])
		expect(await on.living()).toEqual(['engine', 'session'])
	})

	test('stays while calls come, and while one is running', async () => {
		await on.open({ idle: 700 })
		await on.load('tiny-text')
		const session = on.page.workers().find((one) => one.url().endsWith('session.js'))
		for (let i = 0; i < 8; i++) {
			await on.embed()
			await new Promise((resolve) => setTimeout(resolve, 200))
		}
		await blockSession(on.page, 2000)
		await on.embed({ deadline: 10_000 })
		expect(on.page.workers()).toContain(session)
	})

	test('is there again for a call that comes just as it goes', async () => {
		await on.open({ idle: 300 })
		await on.load('tiny-text')
		const answered = await on.page.evaluate(async () => {
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

test('an engine that dies while it starts: another is started, at once', async () => {
	await on.open()
	let killed = 0
	on.page.on('worker', (worker) => {
		if (!worker.url().endsWith('engine.js') || killed++ > 0) return
		const kill = worker.evaluate(async () => {
			// Once the page waits for its lock: of a worker that dies before it has told its name nobody learns.
			const watched = async () => (await navigator.locks.query()).pending?.some(({ name }) => name?.startsWith('spillway-engine'))
			while (!(await watched()));
			self.close()
		})
		// It does not live to tell.
		kill.catch(() => {})
	})
	const started = Date.now()
	expect(await on.load('tiny-text')).toBe('none')
	expect(killed).toBe(2)
	expect(Date.now() - started).toBeLessThan(25_000)
	expect(await on.living()).toEqual(['engine', 'session'])
})

describe('a page in the background', () => {
	test('whose timers sleep: calls are answered and end in time, models give their memory back, and disposal ends all', async () => {
		on.page = await openPage(on.browser, on.site, (page) =>
			page.addInitScript(() => {
				// As browsers do to pages that have been hidden for some minutes; a worker's timers they leave alone.
				const { setTimeout } = window
				window.setTimeout = ((handler: TimerHandler, _: number, ...rest: unknown[]) => setTimeout(handler, 60_000, ...rest)) as never
			}),
		)
		await on.page.evaluate((trust) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only', idle: 1000 })
		}, on.models.trust)
		await on.load('tiny-text')
		expect((await on.embed()).vectors).toEqual([hello])
		await blockSession(on.page, 2000)
		await new Promise((resolve) => setTimeout(resolve, 100))
		const late = await on.page.evaluate(() => window.errorOf(window.runtime.model('tiny-text').embed(['hello world'], { deadline: 300 })))
		expect(late).toMatchObject({ code: 'deadline-exceeded' })
		await expect.poll(() => on.living()).toEqual(['engine'])
		expect((await on.embed()).vectors).toEqual([hello])
		await on.page.evaluate(() => window.runtime.dispose())
		expect(await on.living()).toEqual([])
	})

	test('that is frozen and thawed: what was under way is answered, and later calls are', async () => {
		await on.open()
		await on.load('tiny-text')
		const devtools = await on.page.context().newCDPSession(on.page)
		const calls = on.page.evaluate(() => {
			const model = window.runtime.model('tiny-text')
			return Promise.all(Array.from({ length: 20 }, () => window.errorOf(model.embed(['hello world']))))
		})
		await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
		await new Promise((resolve) => setTimeout(resolve, 1500))
		await devtools.send('Page.setWebLifecycleState', { state: 'active' })
		expect(await calls).toEqual(Array(20).fill('none'))
		expect((await on.embed()).vectors).toEqual([hello])
	})
})
