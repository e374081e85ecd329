// Hedging: an upstream that takes long is not waited for alone.

import { describe, expect, test, vi } from 'vitest'
import { hedged } from '../../edge/upstreams/routing/hedge.ts'
import { breaker } from '../../runtime/overflow/breaker.ts'
import { context, embedCall, type Scripted } from '../runtime/scripted.ts'
import { ask, group, inFakeTime, settled, upstreams } from './routing-group.ts'

inFakeTime()

describe('hedging', () => {
	test('asks a second one after the time, takes the first answer, and stops the other', async () => {
		const [slow, quick] = upstreams({ after: 900 }, { after: 10 }) as [Scripted, Scripted]
		const retries = { left: 2 }
		const call = group([slow, quick], { hedge: 100 }).executor.infer(embedCall, context({ retries }))
		await vi.advanceTimersByTimeAsync(99)
		expect(quick.asked).toHaveLength(0)
		const { answer } = await settled(call, 20)
		expect(answer?.ran).toMatchObject({ executor: 'b', overflow: [{ executor: 'a', reason: 'deadline' }] })
		expect(slow.asked[0]?.signal.aborted).toBe(true)
		expect(retries.left).toBe(1)
	})

	test('that another one was sooner is no fault: who was stopped is asked as before', async () => {
		const [slow, quick] = upstreams({ estimate: { can: 'now', queue: 0, run: 5 }, after: 900 }, { after: 10 }) as [Scripted, Scripted]
		const guarded = breaker()(slow)
		for (let i = 0; i < 10; i++) {
			const hedging = hedged([guarded, quick], embedCall, context({ retries: { left: 2 } }), 100)
			expect((await settled(hedging)).answer?.ran.executor).toBe('b')
		}
		expect(guarded.estimate(embedCall).can).toBe('now')
	})

	test('does not happen to what is answered before, without a retry left, or to parts', async () => {
		for (const more of [{ hedge: 550 }, { retries: { left: 0 } }, { emit: async () => {} }]) {
			const { hedge = 100, ...given } = { hedge: undefined, ...more }
			const [slow, quick] = upstreams({ after: 500 }, {}) as [Scripted, Scripted]
			expect((await ask(group([slow, quick], { hedge }).executor, given)).answer?.ran.executor).toBe('a')
			expect(quick.asked).toHaveLength(0)
		}
	})

	test('ends in the first error when both fail', async () => {
		const all = upstreams({ after: 200, fails: 'upstream' }, { after: 500, fails: 'network' })
		const { error } = await ask(group(all, { hedge: 50 }).executor, { retries: { left: 1 } })
		expect(error?.message).toContain('a cannot')
	})
})
