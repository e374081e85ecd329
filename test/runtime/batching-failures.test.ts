// Dynamic batching: whose call fails when a run does.

import { describe, expect, test } from 'vitest'
import { tensor } from '../../runtime/core/tensor.ts'
import { batchingOver, callOf, codes, failing, idle, together } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('failures', () => {
	test.each(['invalid-input', 'internal', 'unsupported', 'too-large'] as const)(
		'%s: only the row whose fault it is fails',
		async (code) => {
			const made = batchingOver({ fails: (rows) => (rows.some(([id]) => id === 13) ? failing(code) : undefined) })
			const ids = [11, 12, 13, 14]
			const [settled] = await together(made, () => [codes(ids.map((id) => made.batched.infer(callOf([id, id]), context())))])
			expect(settled).toEqual(['answered', 'answered', code, 'answered'])
			expect(made.inner.runs.map(({ rows }) => rows.length)).toEqual([4, 1, 1, 1, 1])
			expect(made.batched.pending()).toBe(0)
		},
	)

	test.each(['worker-lost', 'unavailable', 'disposed', 'network'] as const)('%s is told to all', async (code) => {
		const made = batchingOver({ fails: ([row]) => (row?.[0] === 999_999 ? undefined : failing(code)) })
		const [settled] = await together(made, () => [codes([1, 2, 3].map((id) => made.batched.infer(callOf([id]), context())))])
		expect(settled).toEqual([code, code, code])
		expect(made.inner.runs).toHaveLength(1)
	})

	test('a failing row fails its call, whose other rows are not run any more', async () => {
		const { inner, batched } = batchingOver({ fails: (rows) => (rows[0]?.[0] === 1 ? failing('internal') : undefined) }, { maxBatch: 1 })
		const call = callOf(...Array.from({ length: 100 }, (_, id) => [id + 1]))
		await expect(batched.infer(call, context())).rejects.toMatchObject({ code: 'internal' })
		await idle()
		expect(inner.runs.length).toBeLessThan(5)
		expect(batched.pending()).toBe(0)
	})

	test('batches that fail though none of their rows does become smaller', async () => {
		const made = batchingOver({ fails: (rows) => (rows.length > 4 ? failing('internal') : undefined) })
		const round = async (from: number) => {
			const calls = Array.from({ length: 8 }, (_, id) => callOf([from + id]))
			await together(made, () => calls.map((call) => made.batched.infer(call, context())))
			return made.inner.runs.map(({ rows }) => rows.length)
		}
		expect(await round(100)).toEqual([8, 1, 1, 1, 1, 1, 1, 1, 1])
		expect(await round(200)).toEqual([4, 4])
	})

	test('an executor that answers with fewer rows than it was asked is not believed', async () => {
		const { inner, batched } = batchingOver()
		const infer = inner.infer.bind(inner)
		inner.infer = async (call, more) => {
			const answer = await infer(call, more)
			const sum = tensor('FP32', [1], Float32Array.of(0))
			return { ...answer, output: { kind: 'tensors', tensors: { ...(answer.output as { tensors: object }).tensors, sum } } }
		}
		await expect(batched.infer(callOf([1], [2]), context())).rejects.toMatchObject({ code: 'upstream' })
	})
})
