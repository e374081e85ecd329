// One engine for several tabs: who hosts it, who is told, what happens when somebody goes.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Answer, Call } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { type EngineSettings, type ModelReport, unwrap } from '../../runtime/device/control.ts'
import type { Engine } from '../../runtime/page/engine.ts'
import { Claims, linger } from '../../runtime/tabs/claims.ts'
import { groupOf } from '../../runtime/tabs/group.ts'
import { makeOrigin, type Origin, type SimulatedTab } from './tabs-sim.ts'
import { context } from './tiny-sessions.ts'

let origin: Origin
beforeEach(() => {
	origin = makeOrigin()
})
afterEach(() => origin.close())

const call = (model = 'm'): Call => ({ kind: 'tensors', model: { name: model }, tensors: {} })

const start = async ({ tab }: SimulatedTab): Promise<Engine> => (await tab.start()) ?? Promise.reject(new Error(`alone: ${tab.alone}`))

/** Loads and calls, as the device's executor of a page does. */
async function infer(engine: Engine, model = 'm'): Promise<Answer> {
	unwrap(await engine.ask('load', [model]))
	return engine.infer(call(model), context())
}

const explain = (engine: Engine): Promise<ModelReport> => engine.ask('explain', ['m'])

const errorOf = async (promise: Promise<unknown>): Promise<SpillwayError> =>
	promise.then(
		() => expect.fail('answered'),
		(error) => error,
	)

const until = (what: () => unknown) => vi.waitUntil(what, { timeout: 10_000, interval: 5 })

/** Has the seat and says nothing: a tab that is frozen. */
function frozen(origin: Origin, name: string) {
	let stolen = false
	origin.locks
		.of('frozen')
		.request(name, () => new Promise(() => {}))
		.catch(() => {
			stolen = true
		})
	return () => stolen
}

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

describe('tabs are of one group', () => {
	const settings: EngineSettings = {
		protocol: 'build 1',
		models: ['https://shop.example.com/models/'],
		trust: { keys: ['a'] },
		quiet: true,
		tuning: { maxBatch: 4, workers: 2 },
		assets: { session: 's', wasm: 'w' },
	}

	test.each<[string, Partial<EngineSettings>]>([
		['in whatever order their options come', { tuning: { workers: 2, maxBatch: 4 } }],
		['when an option is left undefined', { tuning: { maxBatch: 4, workers: 2, threads: undefined } }],
		['when they have files for a GPU that is not asked for', { assets: { session: 's', wasm: 'w', gpu: { session: 'g', wasm: 'j' } } }],
	])('%s', async (_, more) => expect(await groupOf({ ...settings, ...more })).toBe(await groupOf(settings)))

	test.each<[string, Partial<EngineSettings>]>([
		['other messages', { protocol: 'build 2' }],
		['models from elsewhere', { models: ['https://cdn.example.com/models/'] }],
		['other keys', { trust: { keys: ['b'] } }],
		['a policy that allows more', { quiet: false }],
		['other files', { assets: { session: 's2', wasm: 'w' } }],
		['another tuning', { tuning: { maxBatch: 4 } }],
		['a tuning without end', { tuning: { ...settings.tuning, idle: Number.POSITIVE_INFINITY } }],
	])('but not with %s', async (_, more) => expect(await groupOf({ ...settings, ...more })).not.toBe(await groupOf(settings)))
})

describe('what one tab gives up', () => {
	test('others keep', async () => {
		const [a, b, c] = [origin.open('a'), origin.open('b'), origin.open('c')]
		const [first, second] = [await start(a), await start(b), await start(c)]
		await infer(first)
		await infer(second)
		await second.ask('unload', ['m'])
		expect((await infer(first)).ran.model).toBe('m')
		await first.ask('unload', ['m'])
		expect(origin.engines[0]?.loaded.size).toBe(0)
	})

	test('also those who only called what another one had loaded', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		const [first, second] = [await start(a), await start(b)]
		await infer(second)
		await first.infer(call(), context())
		await second.ask('unload', ['m'])
		expect((await first.infer(call(), context())).ran.model).toBe('m')
	})

	test('calls of a tab that is gone are aborted; for its models it may be back soon', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		await infer(await start(a), 'kept')
		const engine = await start(b)
		unwrap(await engine.ask('load', ['m']))
		origin.holding = true
		errorOf(engine.infer(call(), context()))
		const [hosted] = origin.engines
		await until(() => hosted?.calls.length === 1)
		origin.locks.kill('b')
		await until(() => hosted?.calls[0]?.signal.aborted)
		expect(hosted?.loaded).toEqual(new Set(['kept', 'm']))
	})

	test('goes a while later when its tab is gone, unless that or another one is back by then', () => {
		vi.useFakeTimers()
		try {
			const unloaded: string[] = []
			const claims = new Claims((model) => unloaded.push(model))
			for (const model of ['kept', 'gone', 'back']) claims.add('a', model)
			claims.add('b', 'kept')
			claims.leave('a')
			vi.advanceTimersByTime(linger - 1)
			expect(unloaded).toEqual([])
			claims.add('c', 'back')
			vi.advanceTimersByTime(1)
			expect(unloaded).toEqual(['gone'])
			expect(claims.drop('b', 'kept')).toBe(true)
			expect(claims.drop('c', 'back')).toBe(true)
			expect(vi.getTimerCount()).toBe(0)
		} finally {
			vi.useRealTimers()
		}
	})
})

describe('the engine is lost', () => {
	test('with its worker: the leader starts another one when somebody asks', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		const [first, second] = [await start(a), await start(b)]
		unwrap(await second.ask('load', ['m']))
		origin.holding = true
		const pending = errorOf(second.infer(call(), context()))
		await until(() => origin.engines[0]?.calls.length)
		origin.engines[0]?.kill()
		expect(await pending).toMatchObject({ code: 'worker-lost' })
		expect([first.over.aborted, second.over.aborted]).toEqual([true, true])
		origin.holding = false
		expect((await infer(await start(b))).ran.executor).toBe('worker-1-of-a')
		expect((await infer(await start(a))).ran.executor).toBe('worker-1-of-a')
	})

	test('with its runtime: the next tab hosts it, and nobody is told of a disposal that was not theirs', async () => {
		const [a, b, c] = [origin.open('a'), origin.open('b'), origin.open('c')]
		const [, second, third] = [await start(a), await start(b), await start(c)]
		unwrap(await second.ask('load', ['m']))
		origin.holding = true
		const pending = [errorOf(second.infer(call(), context())), errorOf(third.infer(call(), context()))]
		await until(() => origin.engines[0]?.calls.length === 2)
		a.dispose()
		expect((await Promise.all(pending)).map(({ code }) => code)).toEqual(['worker-lost', 'worker-lost'])
		origin.holding = false
		const answers = await Promise.all([b, c].map(async (tab) => infer(await start(tab))))
		expect(answers.map(({ ran }) => ran.executor)).toEqual(['worker-1-of-b', 'worker-1-of-b'])
		expect(origin.running()).toHaveLength(1)
	})

	test('of a disposed tab: its own calls and later starts say so', async () => {
		const [a, b] = [origin.open('a'), origin.open('b')]
		await start(a)
		const engine = await start(b)
		unwrap(await engine.ask('load', ['m']))
		origin.holding = true
		const pending = errorOf(engine.infer(call(), context()))
		b.dispose()
		expect(await pending).toMatchObject({ code: 'disposed' })
		expect(await errorOf(start(b))).toMatchObject({ code: 'disposed' })
	})
})

// They wait for seconds: all at once, each with an origin of its own.
describe.concurrent('a leader that is silent', () => {
	test('loses the seat to one of those who wait; then there is one engine', async () => {
		const [origin, name] = [makeOrigin(), crypto.randomUUID()]
		const stolen = frozen(origin, name)
		const tabs = ['a', 'b', 'c'].map((id) => origin.open(id, { name }))
		const answers = await Promise.all(tabs.map(async (tab) => infer(await start(tab))))
		expect(stolen()).toBe(true)
		expect(origin.engines).toHaveLength(1)
		expect(new Set(answers.map(({ ran }) => ran.executor)).size).toBe(1)
		await origin.close()
	})

	test('keeps it while nobody waits', async () => {
		const [origin, name] = [makeOrigin(), crypto.randomUUID()]
		const stolen = frozen(origin, name)
		origin.open('a', { name })
		await new Promise((resolve) => setTimeout(resolve, 6000))
		expect(stolen()).toBe(false)
		await origin.close()
	})

	test('is not believed when it wakes: only who has the seat is', async () => {
		const [origin, name] = [makeOrigin(), crypto.randomUUID()]
		const [a, b] = [origin.open('a', { name }), origin.open('b', { name })]
		await start(a)
		const hall = new BroadcastChannel(name)
		hall.postMessage({ type: 'here', engine: 'another', leader: 'frozen' })
		const engine = await start(b)
		hall.postMessage({ type: 'here', engine: 'another', leader: 'frozen' })
		await new Promise((resolve) => setTimeout(resolve, 50))
		hall.close()
		expect(engine.over.aborted).toBe(false)
		expect((await infer(engine)).ran.executor).toBe('worker-0-of-a')
		await origin.close()
	})

	test('that has its seat taken ends its engine, and is a guest from then on', async () => {
		const [origin, name] = [makeOrigin(), crypto.randomUUID()]
		const [a, b] = [origin.open('a', { name }), origin.open('b', { name })]
		const [first, second] = [await start(a), await start(b)]
		// Somebody found it silent.
		let release = () => {}
		const held = origin.locks.of('c').request(name, { steal: true }, () => new Promise<void>((resolve) => (release = resolve)))
		await until(() => first.over.aborted && second.over.aborted)
		expect(first.over.reason).toMatchObject({ code: 'worker-lost' })
		expect(origin.running()).toEqual([])
		release()
		await held
		await Promise.all([infer(await start(a)), infer(await start(b))])
		expect(origin.running()).toHaveLength(1)
		await origin.close()
	})

	test('that cannot be heard at all: who took its seat and lost it again shares no more, instead of for ever', async () => {
		const [origin, name] = [makeOrigin(), crypto.randomUUID()]
		frozen(origin, name)
		const a = origin.open('a', { name })
		await start(a)
		// It was not frozen: it is deaf to this tab, and this tab to it.
		origin.locks
			.of('frozen')
			.request(name, { steal: true }, () => new Promise(() => {}))
			.catch(() => {})
		await until(() => a.tab.alone)
		expect(await a.tab.start()).toBe(undefined)
		expect(a.tab.alone).toMatch(/do not hear/)
		await origin.close()
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

test('whatever happens: every call of a tab that stays is answered, and there is one engine in the end', { timeout: 60_000 }, async () => {
	const random = seeded(7)
	const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
	const name = crypto.randomUUID()
	const calls: { tab: SimulatedTab; outcome: Promise<string> }[] = []
	let tabs: SimulatedTab[] = []
	let opened = 0
	const open = () => tabs.push(origin.open(`tab-${opened++}`, { name }))
	for (let i = 0; i < 4; i++) open()

	/** As a page does: one engine for all its calls, until it is lost. */
	const engines = new Map<SimulatedTab, Promise<Engine>>()
	const engineOf = (tab: SimulatedTab) => {
		const used = engines.get(tab) ?? start(tab)
		engines.set(tab, used)
		const over = () => engines.get(tab) === used && engines.delete(tab)
		used.then((engine) => (engine.over.aborted ? over() : engine.over.addEventListener('abort', over)), over)
		return used
	}
	/** Once more in the next engine, as often as one is lost. */
	const answered = async (tab: SimulatedTab) => {
		for (;;) {
			let engine: Engine | undefined
			try {
				engine = await engineOf(tab)
				return (await infer(engine, pick(['m', 'n']))).ran.model && 'answered'
			} catch (error) {
				const { code } = error as SpillwayError
				if (code !== 'worker-lost' && !(engine?.over.aborted && code !== 'disposed')) return code
			}
		}
	}
	const steps = {
		call: () => {
			const tab = pick(tabs)
			calls.push({ tab, outcome: answered(tab) })
		},
		open: () => tabs.length < 6 && open(),
		dispose: () => {
			if (tabs.length < 3) return
			const tab = pick(tabs)
			tabs = tabs.filter((one) => one !== tab)
			tab.dispose()
		},
		'kill the engine': () => origin.running()[0]?.kill(),
		// As by a tab that found the leader silent, and is closed at once.
		'take the seat': () => origin.locks.of('thief').request(name, { steal: true }, () => {}),
	}
	for (let i = 0; i < 400; i++) {
		const step = pick(['call', 'call', 'call', 'call', 'call', 'open', 'dispose', 'kill the engine', 'take the seat'] as const)
		steps[step]()
		await new Promise((resolve) => setTimeout(resolve, random() * 12))
	}
	const outcomes = await Promise.all(calls.map(async ({ tab, outcome }) => ({ stays: tabs.includes(tab), outcome: await outcome })))
	expect(new Set(outcomes.filter(({ stays }) => stays).map(({ outcome }) => outcome))).toEqual(new Set(['answered']))
	expect(outcomes.map(({ outcome }) => outcome).filter((outcome) => !['answered', 'disposed'].includes(outcome))).toEqual([])
	await Promise.all(tabs.map(async (tab) => infer(await engineOf(tab))))
	expect(origin.running()).toHaveLength(1)
	expect(tabs.filter(({ tab }) => tab.alone)).toEqual([])
})

/** https://en.wikipedia.org/wiki/Xorshift */
function seeded(seed: number): () => number {
	let state = seed
	return () => {
		state ^= state << 13
		state ^= state >>> 17
		state ^= state << 5
		return (state >>> 0) / 2 ** 32
	}
}
