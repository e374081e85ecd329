// One engine for several tabs: who hosts it, who is told, and who cannot host.

import { describe, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { type ModelReport, unwrap } from '../../runtime/device/control.ts'
import type { Engine } from '../../runtime/page/engine.ts'
import { call, errorOf, infer, origin, start, until } from './tabs-origin.ts'
import { context } from './tiny-sessions.ts'

const explain = (engine: Engine): Promise<ModelReport> => engine.ask('explain', ['m'])

describe('one engine', () => {
	test('for five tabs, whoever comes first', async () => {
		const tabs = ['a', 'b', 'c', 'd', 'e'].map((id) => origin.open(id))
		const engines = await Promise.all(tabs.map(start))
		const answers = await Promise.all(engines.map((engine) => infer(engine)))
		expect(origin.engines).toHaveLength(1)
		expect(new Set(answers.map(({ ran }) => ran.executor))).toEqual(new Set([origin.engines[0]?.worker]))
		expect(await Promise.all(engines.map(explain))).toEqual(engines.map((_, i) => ({ model: 'm', tabs: { count: 5, leads: i === 0 } })))
	})

	test('is not started before anybody wants it', async () => {
		origin.open('a')
		await new Promise((resolve) => setTimeout(resolve, 20))
		expect(origin.engines).toEqual([])
	})

	test('each tab is told of its models, those that came before it, too', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		await infer(await start(a))
		await start(b)
		expect(b.told).toMatchObject([{ type: 'state', model: 'm', estimate: { can: 'now' } }])
		await infer(await start(a), 'other')
		await until(() => b.told.some((message) => message.model === 'other'))
	})

	test('tabs with other settings have another', async () => {
		const a = origin.open('a')
		const b = origin.open('b', { name: `${crypto.randomUUID()}` })
		await Promise.all([infer(await start(a)), infer(await start(b))])
		expect(origin.running()).toHaveLength(2)
	})

	test('errors arrive as they were', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		await start(a)
		const engine = await start(b)
		expect(await errorOf(infer(engine, 'none'))).toMatchObject({ code: 'not-found', message: 'no such model' })
		expect(await errorOf(engine.infer(call('x'), context()))).toMatchObject({ code: 'unavailable' })
	})

	test('one that cannot be started: each tab is told why, and tries again when asked again', async () => {
		origin.broken = new SpillwayError('environment', 'no such script')
		const [a, b] = [origin.open('a'), origin.open('b')]
		const codes = await Promise.all([errorOf(start(a)), errorOf(start(b))])
		expect(codes.map(({ code }) => code)).toEqual(['environment', 'environment'])
		origin.broken = undefined
		await infer(await start(b))
		await infer(await start(a))
		expect(origin.running()).toHaveLength(1)
	})
})

describe('an update', () => {
	test('that one tab gives up goes on for the others; the last one stops it', async () => {
		const [a, b] = await Promise.all(['a', 'b'].map((id) => start(origin.open(id))))
		const updates = [a, b].map((engine) => errorOf((engine as Engine).ask('update', ['m']).then(unwrap)))
		const under = () => origin.engines[0]?.updates.get('m')
		await until(() => under()?.asked === 2)
		let stopped = false
		under()?.promise.then(() => {
			stopped = true
		})
		await a?.ask('stopUpdating', ['m'])
		expect(stopped).toBe(false)
		await b?.ask('stopUpdating', ['m'])
		expect((await Promise.all(updates)).map(({ code }) => code)).toEqual(['aborted', 'aborted'])
	})
})

describe('who cannot host', () => {
	test('is told at once that nobody does', async () => {
		const guest = origin.open('guest', { mayLead: false })
		expect(await errorOf(start(guest))).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/tab/) })
	})

	test('is a guest of who does, and does not take over', async () => {
		const [a, guest] = [origin.open('a'), origin.open('guest', { mayLead: false })]
		await start(a)
		expect((await infer(await start(guest))).ran.executor).toBe('worker-0-of-a')
		a.dispose()
		await until(() => origin.running().length === 0)
		expect(await errorOf(start(guest))).toMatchObject({ code: 'unavailable' })
	})

	test('wakes an engine in a tab that leads without one', async () => {
		const [a, guest] = [origin.open('a'), origin.open('guest', { mayLead: false })]
		await start(a)
		origin.engines[0]?.kill()
		expect((await infer(await start(guest))).ran.executor).toBe('worker-1-of-a')
		expect(a.told.filter(({ type }) => type === 'state')).toEqual([])
		await start(a)
		expect(a.told).toMatchObject([{ type: 'state', model: 'm' }])
	})

	test('where the browser refuses locks: shares no more, and says why', async () => {
		const locks = origin.locks.of('a')
		const refusing = {
			query: locks.query,
			request: (name: string, ...rest: [never]) =>
				name.includes('-tab-') ? locks.request(name, ...rest) : Promise.reject(new DOMException('not here', 'SecurityError')),
		} as LockManager
		const a = origin.open('a', { locks: refusing })
		expect(await a.tab.start()).toBe(undefined)
		expect(a.tab.alone).toMatch(/not here/)
	})
})
