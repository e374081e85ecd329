// Models and calls of a tab that gives them up, or is gone: what others use stays.

import { describe, expect, test, vi } from 'vitest'
import { unwrap } from '../../runtime/device/control.ts'
import { Claims, linger } from '../../runtime/tabs/claims.ts'
import { call, errorOf, infer, origin, start, until } from './tabs-origin.ts'
import { context } from './tiny-sessions.ts'

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
