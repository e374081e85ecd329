// Routing over the upstreams of a model: whom a call goes to, what is tried again, what is asked of several at once.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ordered } from '../../edge/upstreams/routing/choice.ts'
import { cuttingOf } from '../../edge/upstreams/routing/cutting.ts'
import { type RoutingOptions, routed } from '../../edge/upstreams/routing/group.ts'
import { hedged } from '../../edge/upstreams/routing/hedge.ts'
import { limited } from '../../edge/upstreams/routing/limited.ts'
import { upstreamLoad } from '../../edge/upstreams/routing/load.ts'
import type { Member } from '../../edge/upstreams/routing/member.ts'
import { shares } from '../../edge/upstreams/routing/shares.ts'
import { type Answer, type Call, type EmbedCall, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { breaker } from '../../runtime/overflow/breaker.ts'
import { context, embedCall, type Script, type Scripted, scripted } from '../runtime/scripted.ts'

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
	vi.useRealTimers()
})

const batched = [{ name: 'x', datatype: 'FP32' as const, shape: ['batch', 2] }]
const cutting = cuttingOf({ inputs: batched, outputs: [{ name: 'y', datatype: 'FP32', shape: ['batch', 2] }] })

interface Making extends Partial<Pick<Member, 'cost' | 'variant'>> {
	capacity?: number
}

function member(executor: Executor, { cost = 0, variant, capacity }: Making = {}): Member {
	const load = upstreamLoad({ name: executor.name, capacity, across: true })
	return { executor: limited(load)(executor), load, cost, variant, check() {} }
}

function group(executors: readonly (Executor | Member)[], options: Partial<RoutingOptions> = {}) {
	const members = executors.map((one) => ('load' in one ? one : member(one)))
	return { members, executor: routed('upstreams', members, { prefer: 'latency', cutting, random: () => 0.5, ...options }) }
}

/** The end of a call, whose time passes at once. */
async function settled(promise: Promise<Answer>, time = 3_000): Promise<{ answer?: Answer; error?: SpillwayError }> {
	const end = promise.then(
		(answer) => ({ answer }),
		(error: SpillwayError) => ({ error }),
	)
	await vi.advanceTimersByTimeAsync(time)
	return end
}

const ask = (executor: Executor, more: Partial<Context> = {}, call: Call = embedCall) => settled(executor.infer(call, context(more)))

const upstreams = (...scripts: Script[]): Scripted[] => scripts.map((script, at) => scripted({ name: 'abc'[at] as string, ...script }))

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
			return { ...made, load: { ...made.load, inFlight: 0, expect: () => 1, silence: () => 0 } }
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

describe('a large call', () => {
	const texts = Array.from({ length: 100 }, (_, at) => `${at}`)
	const large: Call = { kind: 'task', model: { name: 'minilm' }, task: 'embed', input: texts }

	/** Answers each text with its number, in so many milliseconds a row. */
	function counting(name: string, perRow: number, fails = (_: readonly string[]) => false) {
		const rows: number[] = []
		const executor: Executor = {
			...scripted({ name, estimate: { run: perRow * texts.length } }),
			infer: async (call, { signal }) => {
				const { input } = call as EmbedCall
				rows.push(input.length)
				await new Promise((resolve) => setTimeout(resolve, perRow * input.length))
				if (signal.aborted) throw new SpillwayError('aborted', 'stopped')
				if (fails(input)) throw new SpillwayError('upstream', `${name} is broken`)
				const vectors = input.map((text) => Float32Array.of(Number(text)))
				return { output: { kind: 'embed', vectors, tokens: input.length }, ran: { ...provenance(name, call.model), run: 1, space: 's' } }
			},
		}
		return { executor, rows }
	}

	const numbers = ({ output }: Answer) => (output.kind === 'embed' ? output.vectors.map(([number]) => number) : [])

	test('is divided by the measured speed, and joined in order', async () => {
		const [fast, slow] = [counting('fast', 1), counting('slow', 3)]
		const { executor } = group([fast.executor, slow.executor], { split: 64 })
		for (let i = 0; i < 4; i++) await ask(executor, {}, large)
		const { answer } = await ask(executor, {}, large)
		expect(numbers(answer as Answer)).toEqual(texts.map(Number))
		expect(answer?.output).toMatchObject({ tokens: 100 })
		expect(fast.rows.at(-1)).toBeGreaterThan(2 * (slow.rows.at(-1) as number))
		expect(answer?.ran).toMatchObject({ executor: 'fast+slow', run: 2, overflow: [] })
		expect(answer?.ran.parts).toEqual([
			{ executor: 'fast', rows: fast.rows.at(-1) },
			{ executor: 'slow', rows: slow.rows.at(-1) },
		])
	})

	test('whose part failed has it done again elsewhere', async () => {
		const [whole, broken] = [counting('whole', 1), counting('broken', 1, (input) => input.includes('99'))]
		const { answer } = await ask(group([whole.executor, broken.executor], { split: 64 }).executor, {}, large)
		expect(numbers(answer as Answer)).toEqual(texts.map(Number))
		expect(answer?.ran).toMatchObject({ executor: 'whole', overflow: [{ executor: 'broken', reason: 'unhealthy' }] })
		expect(answer?.ran.parts).toEqual([
			{ executor: 'whole', rows: 50 },
			{ executor: 'whole', rows: 50 },
		])
	})

	test('that fails has the other parts stopped', async () => {
		const all = [counting('a', 1, () => true), counting('b', 10)]
		const { error } = await ask(
			group(
				all.map(({ executor }) => executor),
				{ split: 64 },
			).executor,
			{ retries: { left: 0 } },
			large,
		)
		expect(error?.message).toContain('a is broken')
	})

	test('is left whole for upstreams of another variant, and where it is not large', async () => {
		const [fp32, int8] = [counting('fp32', 1), counting('int8', 1)]
		const members = [member(fp32.executor, { variant: 'fp32' }), member(int8.executor, { variant: 'int8' })]
		expect((await ask(group(members, { split: 64 }).executor, {}, large)).answer?.ran.parts).toBeUndefined()
		const two = [counting('a', 1), counting('b', 1)].map(({ executor }) => executor)
		expect((await ask(group(two, { split: 101 }).executor, {}, large)).answer?.ran.parts).toBeUndefined()
	})

	test('of tensors is cut along the axis "batch"', () => {
		const x = tensor('FP32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6))
		const call: Call = { kind: 'tensors', model: { name: 'm' }, tensors: { x } }
		expect(cutting.rows(call)).toBe(3)
		const parts = [cutting.cut(call, 0, 1), cutting.cut(call, 1, 3)]
		expect(parts.map((part) => part.kind === 'tensors' && part.tensors.x?.shape)).toEqual([
			[1, 2],
			[2, 2],
		])
		const answers = parts.map(
			(part): Answer => ({
				output: { kind: 'tensors', tensors: { y: part.kind === 'tensors' ? (part.tensors.x as never) : (x as never) } },
				ran: provenance('a', call.model),
			}),
		)
		expect(cutting.join(answers, [1, 2]).output).toEqual({ kind: 'tensors', tensors: { y: x } })
		const other = answers.map((answer, at) => ({ ...answer, ran: { ...answer.ran, space: `s${at}` } }))
		expect(() => cutting.join(other, [1, 2])).toThrow('different spaces')
	})

	test('of tensors is not cut where only the answer tells how large it is', () => {
		const x = tensor('FP32', [3, 2], new Float32Array(6))
		const call: Call = { kind: 'tensors', model: { name: 'm' }, tensors: { x } }
		const found = cuttingOf({ inputs: batched, outputs: [{ name: 'boxes', datatype: 'FP32', shape: ['batch', 'found', 4] }] })
		expect(found.rows(call)).toBe(1)
	})

	test('is divided so that all end together; who would begin later than that gets none', () => {
		const of = (...speeds: [number, number | null][]) =>
			shares(
				90,
				speeds.map(([queue, speed], member) => ({ member, queue, speed })),
				8,
			).map(({ member, rows }) => [member, rows])
		expect(of([0, 1], [0, 2])).toEqual([
			[0, 30],
			[1, 60],
		])
		expect(of([0, 1], [30, 1])).toEqual([
			[0, 60],
			[1, 30],
		])
		expect(of([0, 1], [0, null])).toEqual([
			[0, 45],
			[1, 45],
		])
		expect(of([0, 1], [100, 1], [0, 1])).toEqual([
			[0, 45],
			[2, 45],
		])
		expect(of([0, 1], [85, 1])).toEqual([])
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
