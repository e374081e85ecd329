// A large call is divided over several upstreams, and its parts are joined in order.

import { describe, expect, test } from 'vitest'
import { cuttingOf } from '../../edge/upstreams/routing/cutting.ts'
import { shares } from '../../edge/upstreams/routing/shares.ts'
import { type Answer, type Call, type EmbedCall, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { scripted } from '../runtime/scripted.ts'
import { ask, batched, cutting, group, inFakeTime, member } from './routing-group.ts'

inFakeTime()

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
