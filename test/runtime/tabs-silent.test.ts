// A tab that hosts the engine and is not heard: frozen, woken, or deaf.

import { describe, expect, test } from 'vitest'
import { infer, start, until } from './tabs-origin.ts'
import { makeOrigin, type Origin } from './tabs-sim.ts'

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
