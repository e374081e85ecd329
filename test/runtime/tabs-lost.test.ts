// An engine that is lost, with its worker or with its tab: another one takes its place.

import { describe, expect, test } from 'vitest'
import { unwrap } from '../../runtime/device/control.ts'
import { call, errorOf, infer, origin, start, until } from './tabs-origin.ts'
import { context } from './tiny-sessions.ts'

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
