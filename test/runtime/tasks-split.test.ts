// Splitting tensor calls along the batch axis, and joining the answers.

import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { inTurn } from '../../runtime/batch/in-turn.ts'
import { mergeRan } from '../../runtime/batch/merge.ts'
import { joinRows, sliceRows } from '../../runtime/batch/rows.ts'
import { type SplitOptions, split } from '../../runtime/batch/split.ts'
import type { TensorsOutput } from '../../runtime/core/call.ts'
import { provenance, type TensorsCall } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { elements, tensor } from '../../runtime/core/tensor.ts'
import { packed, pixelDescription, textDescription, textTensors } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

describe('rows', () => {
	test('what is cut along any axis and joined again is as before', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), fc.nat(3), fc.nat(4), (shape, at, where) => {
				const axis = at % shape.length
				const whole = tensor(
					'INT32',
					shape,
					Int32Array.from({ length: elements(shape) }, (_, index) => index),
				)
				const size = shape[axis] as number
				const middle = where % (size + 1)
				expect(joinRows([sliceRows(whole, axis, 0, middle), sliceRows(whole, axis, middle, size)], axis)).toEqual(whole)
			}),
		)
	})
})

describe('split', () => {
	let session: Executor
	afterEach(() => session?.dispose())

	async function splitting(options: Omit<SplitOptions, 'manifest'>, description = textDescription()) {
		session = await tinySession('cpu', description)
		const { manifest } = await packed(description)
		const calls: TensorsCall[] = []
		const watched: Executor = {
			...session,
			infer(call, context) {
				calls.push(call as TensorsCall)
				return session.infer(call, context)
			},
		}
		return { executor: split({ manifest, ...options })(watched), calls }
	}
	const rows = Array.from({ length: 10 }, (_, index) => Array.from({ length: 4 }, (_, token) => (index + token) % 14))
	const call: TensorsCall = { kind: 'tensors', model: { name: 'tiny-text' }, tensors: textTensors(rows) }

	test.each([
		['rows', { rows: 4 }, [4, 4, 2]],
		['work, rows times tokens', { work: 12 }, [3, 3, 3, 1]],
		['both', { rows: 2, work: 100 }, [2, 2, 2, 2, 2]],
		['a bound that it keeps anyway', { rows: 10, work: 40 }, [10]],
	])('by %s', async (_, options, sizes) => {
		const { executor, calls } = await splitting(options)
		const { output, ran } = await executor.infer(call, context())
		expect(calls.map(({ tensors }) => tensors.ids?.shape[0])).toEqual(sizes)
		const { output: whole } = await session.infer(call, context())
		expect((output as TensorsOutput).tensors.count).toEqual((whole as TensorsOutput).tensors.count)
		const [vector, expected] = [output, whole].map((given) => (given as TensorsOutput).tensors.vector)
		expect(vector?.shape).toEqual([10, 4])
		for (const [index, value] of Object.entries(expected?.data ?? [])) expect(vector?.data[Number(index)]).toBeCloseTo(Number(value), 5)
		expect(ran).toMatchObject({ executor: 'device', batch: Math.max(...(sizes as number[])) })
	})

	test('one row over the bound is too large, a bad shape is invalid', async () => {
		const { executor } = await splitting({ work: 3 })
		await expect(executor.infer(call, context())).rejects.toMatchObject({
			code: 'too-large',
			message: expect.stringContaining('the limit is 3'),
		})
		await expect(executor.infer({ ...call, tensors: {} }, context())).rejects.toMatchObject({ code: 'invalid-input' })
	})

	test('a model without a batch axis is left alone', async () => {
		const { executor, calls } = await splitting({ rows: 1 }, pixelDescription())
		const tensors = { pixels: tensor('FP32', [1, 2, 3], new Float32Array(6)) }
		await executor.infer({ kind: 'tensors', model: { name: 'tiny-pixels' }, tensors }, context())
		expect(calls).toHaveLength(1)
	})

	test('an abort takes what has not begun along', async () => {
		const { executor, calls } = await splitting({ rows: 1, width: 1 })
		const controller = new AbortController()
		const running = executor.infer(call, context({ signal: controller.signal }))
		controller.abort()
		await expect(running).rejects.toMatchObject({ code: 'aborted' })
		expect(calls.length).toBeLessThan(10)
	})
})

describe('several runs for one call', () => {
	test('a few at a time, results in order', async () => {
		let running = 0
		let most = 0
		const results = await inTurn([5, 1, 4, 2, 3], 2, new AbortController().signal, async (time) => {
			most = Math.max(most, ++running)
			await new Promise((resolve) => setTimeout(resolve, time))
			running--
			return time * 10
		})
		expect(results).toEqual([50, 10, 40, 20, 30])
		expect(most).toBe(2)
	})

	test('the first failure ends it: nothing more begins, and what runs is told', async () => {
		const begun: number[] = []
		let told = false
		const all = inTurn([0, 1, 2, 3], 2, new AbortController().signal, async (piece, signal) => {
			begun.push(piece)
			if (piece === 1) throw new Error('the second')
			await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
			told = true
		})
		await expect(all).rejects.toThrow('the second')
		await new Promise((resolve) => setTimeout(resolve))
		expect(begun).toEqual([0, 1])
		expect(told).toBe(true)
	})

	const ran = { ...provenance('device', { name: 'm', version: '1.0.0' }), space: 'm@1/int8', queue: 1, run: 2, batch: 3 }

	test('one provenance: first queue, runs added, largest batch', () => {
		const passed = { executor: 'device', reason: 'queue' } as const
		expect(mergeRan([ran, { ...ran, queue: 9, run: 5, batch: 8, overflow: [passed] }, { ...ran, overflow: [passed] }])).toEqual({
			...ran,
			run: 9,
			batch: 8,
			overflow: [passed],
		})
		expect(mergeRan([ran, { ...ran, run: null }]).run).toBeNull()
	})

	test('vectors of two spaces are never mixed', () => {
		expect(() => mergeRan([ran, { ...ran, executor: 'gpu', space: 'm@1/fp16' }])).toThrow(
			expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('m@1/fp16 by gpu') }),
		)
	})
})
