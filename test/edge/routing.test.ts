// Routing over the upstreams of a model: whom a call goes to, and what is tried again.

import { describe, expect, test, vi } from 'vitest'
import { ordered } from '../../edge/upstreams/routing/choice.ts'
import { type Answer, type Call, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { context, embedCall, type Scripted, scripted } from '../runtime/scripted.ts'
import { ask, group, inFakeTime, member, settled, upstreams } from './routing-group.ts'

inFakeTime()

describe('a call goes', () => {
	test('to each upstream once before anyone is preferred, then mostly to the fast one', async () => {
		const all = upstreams({ after: 100 }, { after: 10 })
		const { executor } = group(all)
		for (let i = 0; i < 10; i++) await settled(executor.infer(embedCall, context()), 200)
		expect(all.map(({ asked }) => asked.length)).toEqual([1, 9])
	})

	test('to the slow one as well while the fast one has much to do', async () => {
		const all = upstreams({ after: 40 }, { after: 10 })
		const { executor } = group(all)
		for (let i = 0; i < 2; i++) await ask(executor)
		const calls = Array.from({ length: 10 }, () => executor.infer(embedCall, context()))
		await vi.advanceTimersByTimeAsync(0)
		expect(all.map(({ running }) => running.size)).toEqual([2, 8])
		await settled(Promise.all(calls).then(([first]) => first as Answer))
	})

	test('to one that was slow, again after a time of silence', async () => {
		const all = upstreams({ after: 100 }, { after: 10 })
		const { executor } = group(all)
		for (let i = 0; i < 3; i++) await ask(executor)
		const before = all[0]?.asked.length ?? 0
		for (let i = 0; i < 20; i++) await settled(executor.infer(embedCall, context()), 3_000)
		expect(all[0]?.asked.length).toBeGreaterThan(before)
	})

	test('to one of two that are drawn, not to the best of all: all callers would rush there', () => {
		const members = upstreams({ estimate: { run: 30 } }, { estimate: { run: 20 } }, { estimate: { run: 10 } }).map((one) => {
			const made = member(one)
			return { ...made, load: { ...made.load, inFlight: 0, expect: () => 1, answeredAt: performance.now() } }
		})
		const firsts = [0, 0.4, 0.99].map((random) => ordered(members, embedCall, 'latency', () => random)[0]?.executor.name)
		expect(new Set(firsts)).toEqual(new Set(['b', 'c']))
	})

	test('with "cost" to the cheapest that has room', async () => {
		const [dear, cheap] = upstreams({ after: 10 }, { after: 50 }) as [Scripted, Scripted]
		const { executor } = group([member(dear, { cost: 5 }), member(cheap, { cost: 1, capacity: 2 })], { prefer: 'cost' })
		const calls = Array.from({ length: 3 }, () => executor.infer(embedCall, context()))
		await vi.advanceTimersByTimeAsync(0)
		expect([cheap.running.size, dear.running.size]).toEqual([2, 1])
		await settled(Promise.all(calls).then(([first]) => first as Answer))
	})
})

describe('what fails', () => {
	test('is done again by another one, and told', async () => {
		const all = upstreams({ fails: 'network' }, {})
		const { answer } = await ask(group(all).executor)
		expect(answer?.ran).toMatchObject({ executor: 'b', overflow: [{ executor: 'a', reason: 'unhealthy' }] })
	})

	test('by what may be over in a moment is tried again, also where there is nobody else', async () => {
		let calls = 0
		const once = {
			...scripted({ name: 'a' }),
			infer: async (call: Call, { retries }: Context) => {
				// What it was handed may have been spent before it was cut.
				retries.left = 0
				if (calls++ === 0) throw new SpillwayError('network', 'cut')
				return { output: { kind: 'embed' as const, vectors: [], tokens: 0 }, ran: provenance('a', call.model) }
			},
		}
		const retries = { left: 2 }
		const { answer } = await ask(group([once]).executor, { retries })
		expect(answer?.ran).toMatchObject({ executor: 'a', overflow: [{ executor: 'a', reason: 'unhealthy', detail: 'network: cut' }] })
		expect(retries.left).toBe(0)
	})

	test('is not tried again without a retry left, after the first part, or when it would be the same', async () => {
		for (const fails of ['invalid-input', 'upstream', 'unsupported'] as const) {
			const [one] = upstreams({ fails }) as [Scripted]
			expect((await ask(group([one]).executor)).error?.code).toBe(fails)
			expect(one.asked).toHaveLength(1)
		}
		const [one] = upstreams({ fails: 'network' }) as [Scripted]
		expect((await ask(group([one]).executor, { retries: { left: 0 } })).error?.code).toBe('network')
		expect(one.asked).toHaveLength(1)
		const cut: Executor = {
			...scripted({ name: 'a' }),
			async infer(_, { emit }) {
				await emit?.({ kind: 'generate', chunk: {} as never })
				throw new SpillwayError('network', 'cut in mid-stream')
			},
		}
		const parts: unknown[] = []
		const { error } = await ask(group([cut, scripted({ name: 'b' })]).executor, { emit: async (part) => void parts.push(part) })
		expect(error?.message).toBe('cut in mid-stream')
		expect(parts).toHaveLength(1)
	})

	test('costs all calls together no more retries than a share of them', async () => {
		const all = upstreams({ fails: 'network' }, { fails: 'network' })
		const { executor } = group(all)
		const calls = 1_000
		const ends = Promise.allSettled(Array.from({ length: calls }, () => executor.infer(embedCall, context())))
		await vi.advanceTimersByTimeAsync(1_000)
		await ends
		const asked = all.reduce((sum, one) => sum + one.asked.length, 0)
		expect(asked).toBeGreaterThan(calls)
		expect(asked).toBeLessThan(1.5 * calls)
	})

	test('waits for who says when to come back, if that is soon', async () => {
		let calls = 0
		const busy = {
			...scripted({ name: 'a' }),
			infer: async (call: Call) => {
				if (calls++ === 0) throw new SpillwayError('rate-limited', 'later', { retryAfter: 200 })
				return { output: { kind: 'embed' as const, vectors: [], tokens: 0 }, ran: provenance('a', call.model) }
			},
		}
		const { executor } = group([busy])
		const call = executor.infer(embedCall, context())
		await vi.advanceTimersByTimeAsync(199)
		expect(calls).toBe(1)
		expect((await settled(call)).answer?.ran.executor).toBe('a')
		const [late] = upstreams({ fails: new SpillwayError('rate-limited', 'much later', { retryAfter: 60_000 }) }) as [Scripted]
		expect((await ask(group([late]).executor)).error).toMatchObject({ code: 'rate-limited', retryAfter: 60_000 })
	})
})

test('disposed: what is asked of it later is refused, and its upstreams are disposed', async () => {
	const dispose = vi.fn(async () => {})
	const { executor } = group(upstreams({}, {}).map((one) => ({ ...one, dispose })))
	await executor.dispose()
	await executor.dispose()
	expect(dispose).toHaveBeenCalledTimes(2)
	expect((await ask(executor)).error?.code).toBe('disposed')
	expect(executor.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unhealthy' })
})

test('who hangs is given up for another long before the deadline, but for what may take any time', async () => {
	const all = upstreams({ after: Number.POSITIVE_INFINITY, estimate: { run: 20 } }, { estimate: { run: 20 } })
	const { executor } = group(all)
	const { answer } = await ask(executor, { remaining: 30_000 })
	expect(answer?.ran).toMatchObject({ executor: 'b', overflow: [{ executor: 'a', reason: 'deadline' }] })
	const generate: Call = { kind: 'task', model: { name: 'm' }, task: 'generate', input: { messages: [] } }
	const [slow, other] = upstreams({ after: 2_500, accepts: ['generate'] }, { accepts: ['generate'] }) as [Scripted, Scripted]
	expect((await ask(group([slow, other]).executor, { remaining: 30_000 }, generate)).answer?.ran.executor).toBe('a')
	expect(other.asked).toHaveLength(0)
})
