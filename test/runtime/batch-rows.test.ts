// Cutting and joining tensors, what the manifest allows to be padded, and one provenance for several runs.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkDescription } from '../../models/format/check.ts'
import { layoutOf } from '../../runtime/batch/layout.ts'
import { mergeRan, ofRun } from '../../runtime/batch/merge.ts'
import { cutBox, joinRows } from '../../runtime/batch/rows.ts'
import { hashOf, identical } from '../../runtime/batch/sharing.ts'
import { provenance } from '../../runtime/core/call.ts'
import { elements, tensor } from '../../runtime/core/tensor.ts'
import { pixelDescription, textDescription, textTensors } from './tiny.ts'

const counting = (shape: readonly number[], from = 0) =>
	tensor(
		'INT32',
		shape,
		Int32Array.from({ length: elements(shape) }, (_, index) => from + index),
	)

describe('rows', () => {
	test('what is cut along any axis and joined again is as before', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), fc.nat(3), fc.nat(4), (shape, at, where) => {
				const axis = at % shape.length
				const whole = counting(shape)
				const size = shape[axis] as number
				const middle = where % (size + 1)
				const rows = (start: number, end: number) =>
					cutBox(
						whole,
						shape.map((_, index) => (index === axis ? start : 0)),
						shape.with(axis, end - start),
					)
				expect(joinRows([rows(0, middle), rows(middle, size)], axis)).toEqual(whole)
			}),
		)
	})

	test('parts that differ in another axis are joined with padding, and not without', () => {
		const parts = [counting([1, 2], 1), counting([2, 1], 5)]
		expect(joinRows(parts, 0, 9)).toEqual(tensor('INT32', [3, 2], Int32Array.of(1, 2, 5, 9, 6, 9)))
		expect(() => joinRows(parts, 0)).toThrow(expect.objectContaining({ code: 'unsupported' }))
	})
})

describe('a layout', () => {
	const sizes = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
	const spec = (name: string, shape: (string | number)[], pad?: number) => ({
		name,
		datatype: 'INT32' as const,
		shape,
		...(pad === undefined ? {} : { pad }),
	})
	const axes = { batch: {}, width: {}, height: {} }
	const picture = {
		inputs: [spec('picture', ['batch', 'height', 2, 'width'], -1)],
		outputs: [spec('echo', ['batch', 'height', 2, 'width'])],
		axes,
		task: null,
	}

	test('pads rows of any sizes, and cuts their outputs back to what they were', () => {
		const layout = layoutOf(picture)
		fc.assert(
			fc.property(fc.array(sizes, { minLength: 1, maxLength: 5 }), (all) => {
				const parts = all.map(([height, width], index) => {
					const tensors = { picture: counting([1, height, 2, width], 100 * index) }
					return { tensors, sizes: layout.measure(tensors).sizes }
				})
				const { picture: whole } = layout.joined(parts)
				const most = (axis: 0 | 1) => Math.max(...all.map((one) => one[axis]))
				expect(whole?.shape).toEqual([all.length, most(0), 2, most(1)])
				const padding = whole?.data.filter((value: number | bigint) => value === -1) as Int32Array
				expect(padding.length).toBe(elements(whole?.shape ?? []) - all.reduce((sum, [a, b]) => sum + 2 * a * b, 0))
				const back = layout.parted({ echo: whole as never }, parts)
				for (const [index, part] of parts.entries()) expect(back[index]?.echo).toEqual(part.tensors.picture)
			}),
		)
	})

	test('an axis that some input has without a pad value is not padded', () => {
		const form = (inputs: ReturnType<typeof spec>[]) => layoutOf({ ...picture, inputs }).form([3, 4])
		expect(form([spec('a', ['batch', 'height', 'width'], 0)])).toBe('* *')
		expect(form([spec('a', ['batch', 'height', 'width'], 0), spec('b', ['batch', 'width'])])).toBe('* 4')
		expect(layoutOf(textDescription()).form([7])).toBe('*')
	})

	test('an output that has not as many rows as the run is refused, not mixed up', () => {
		const layout = layoutOf(textDescription())
		const parts = [{ tensors: textTensors([[2, 3]]), sizes: [2] }]
		for (const found of [{}, { vector: tensor('FP32', [2, 4], new Float32Array(8)), count: tensor('FP32', [1, 1], new Float32Array(1)) }])
			expect(() => layout.parted(found, parts)).toThrow(expect.objectContaining({ code: 'upstream' }))
	})

	test('without a batch axis nothing is cut', () => {
		expect(layoutOf(pixelDescription())).toMatchObject({ divisible: false, joinable: false })
	})
})

test('a pad value must be one that the input may hold', () => {
	const problems = (more: object) => {
		const description = textDescription()
		return checkDescription({ ...description, inputs: description.inputs.map((input) => ({ ...input, ...more })) }).map(
			({ message }) => message,
		)
	}
	expect(problems({ pad: 0 })).toEqual([])
	expect(problems({ pad: 0.5 })).toContain('0.5 is no INT64')
	expect(problems({ pad: 5, max: 4 })).toContain('5 is not among the values that the input may hold')
	expect(problems({ datatype: 'FP16', pad: 1 })).toContain('must be 0 for FP16')
	const pixels = pixelDescription()
	const outputs = pixels.outputs.map((output) => ({ ...output, pad: 0 }))
	expect(checkDescription({ ...pixels, outputs })).toMatchObject([{ message: 'is for inputs' }])
})

test('rows are the same when all their bytes are', () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), (data, at) => {
			const row = { x: tensor('UINT8', [data.length], data), y: tensor('UINT8', [1], Uint8Array.of(1)) }
			const same = structuredClone(row)
			expect([identical(row, same), hashOf(row)]).toEqual([true, hashOf(same)])
			;(same.x.data as Uint8Array)[at % data.length] = (data[at % data.length] as number) ^ 1
			expect(identical(row, same)).toBe(false)
			expect(identical(row, { ...row, x: tensor('UINT8', [1, data.length], data) })).toBe(false)
		}),
	)
})

describe('one provenance', () => {
	const ran = { ...provenance('device', { name: 'm', version: '1.0.0' }), space: 'm@1/int8', queue: 1, run: 2, batch: 3 }

	test('first queue, runs added, largest batch', () => {
		const passed = { executor: 'device', reason: 'queue' } as const
		expect(mergeRan([ran, { ...ran, queue: 9, run: 5, batch: 8, overflow: [passed] }, { ...ran, overflow: [passed] }])).toEqual({
			...ran,
			run: 9,
			batch: 8,
			overflow: [passed],
		})
		expect(mergeRan([ran, { ...ran, run: null }]).run).toBeNull()
	})

	test('a run that answered several parts is counted once, however they are put together', () => {
		const [one, two] = [{}, {}]
		const both = mergeRan([ofRun(one, { ...ran }), ofRun(two, { ...ran, run: 10 }), ofRun(one, { ...ran })])
		expect(both.run).toBe(12)
		expect(mergeRan([both, ofRun(two, { ...ran, run: 10 }), { ...ran, run: 100 }]).run).toBe(112)
	})

	test('vectors of two spaces are never mixed', () => {
		expect(() => mergeRan([ran, { ...ran, executor: 'gpu', space: 'm@1/fp16' }])).toThrow(
			expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('m@1/fp16 by gpu') }),
		)
	})
})
