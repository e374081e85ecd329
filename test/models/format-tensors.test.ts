// Tensors in a manifest, and when an answer is near enough to a golden one.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromTensorData, toTensorData, within } from '../../models/format/tensor-data.ts'
import { allocate, type Datatype, datatypes, viewAs } from '../../runtime/core/datatype.ts'
import { type Tensor, tensor } from '../../runtime/core/tensor.ts'

const floats = (shape: number[], ...values: number[]): Tensor => tensor('FP32', shape, Float32Array.from(values))

const judge = (tolerance: Parameters<typeof within>[0], golden: Tensor, answer: Tensor) => within(tolerance, toTensorData(golden), answer)

describe('TensorData', () => {
	it('keeps every datatype as it is', () => {
		fc.assert(
			fc.property(fc.constantFrom(...datatypes), fc.uint8Array({ minLength: 48, maxLength: 48 }), (datatype, bytes) => {
				const data = viewAs(datatype, bytes)
				const made = tensor(datatype, [data.length], data)
				const read = fromTensorData(toTensorData(made))
				expect(new Uint8Array(read.data.buffer, read.data.byteOffset, 48)).toEqual(bytes)
				expect(read.shape).toEqual(made.shape)
			}),
		)
	})

	it('refuses data that does not fit', () => {
		expect(() => fromTensorData({ datatype: 'FP32', shape: [2], data: 'AAAA' })).toThrow('tensor: 3 bytes are no whole FP32 elements')
		expect(() => fromTensorData({ datatype: 'UINT8', shape: [2], data: 'AAAA' })).toThrow('shape [2] asks for 2 elements, data has 3')
	})
})

describe('within', () => {
	const golden = floats([2, 2], 1, 0, 0.6, 0.8)

	it('passes what is equal, whatever the bounds', () => {
		fc.assert(
			fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 6, maxLength: 6 }), (values) => {
				const one = floats([2, 3], ...values)
				expect(judge({ cosine: 1, absolute: 0 }, one, one)).toBeNull()
			}),
		)
	})

	it('judges each row by itself, and says which one and by how much', () => {
		expect(judge({ cosine: 0.99 }, golden, floats([2, 2], 2, 0, 0.6, 0.8))).toBeNull()
		expect(judge({ cosine: 0.99 }, golden, floats([2, 2], 1, 0, 0.8, 0.6))).toBe('row 1: cosine 0.96 is below 0.99')
		expect(judge({ absolute: 0.1 }, golden, floats([2, 2], 1, 0, 0.6, 1.05))).toBe('row 1: element 1 is off by 0.25, more than 0.1')
	})

	it('holds both bounds where both are given', () => {
		const twice = floats([2, 2], 2, 0, 1.2, 1.6)
		expect(judge({ cosine: 0.99, absolute: 0.1 }, golden, twice)).toBe('row 0: element 0 is off by 1, more than 0.1')
		expect(judge({ cosine: 0.99 }, golden, twice)).toBeNull()
	})

	it.each([{ cosine: -1 }, { absolute: Number.MAX_VALUE }, { cosine: -1, absolute: Number.MAX_VALUE }])(
		'never passes NaN: %o',
		(tolerance) => {
			fc.assert(
				fc.property(fc.nat(3), (at) => {
					const values = [1, 0, 0.6, 0.8]
					values[at] = Number.NaN
					expect(judge(tolerance, golden, floats([2, 2], ...values))).toBe(`row ${at >> 1}: element ${at & 1} is not a number`)
					// Not even where the golden output holds it too.
					expect(judge(tolerance, floats([2, 2], ...values), floats([2, 2], ...values))).not.toBeNull()
					expect(judge(tolerance, floats([2, 2], ...values), golden)).not.toBeNull()
				}),
			)
		},
	)

	it('never passes an infinity that golden does not have', () => {
		for (const infinity of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
			expect(judge({ cosine: -1 }, golden, floats([2, 2], infinity, 0, 0.6, 0.8))).toBe('row 0: cosine NaN is below -1')
			expect(judge({ absolute: 1e30 }, golden, floats([2, 2], infinity, 0, 0.6, 0.8))).toMatch(/^row 0: element 0 is off by Infinity/)
		}
	})

	it('takes a row of zeros for the same as another one only', () => {
		expect(judge({ cosine: 0.9 }, floats([2], 0, 0), floats([2], 0, 0))).toBeNull()
		expect(judge({ cosine: 0.9 }, floats([2], 0, 1), floats([2], 0, 0))).toBe('row 0: cosine 0 is below 0.9')
	})

	it('refuses another shape or datatype', () => {
		expect(judge({ cosine: -1 }, golden, floats([4], 1, 0, 0.6, 0.8))).toBe('has shape [4], golden has [2,2]')
		expect(judge({ cosine: -1 }, golden, tensor('INT32', [2, 2], Int32Array.of(1, 0, 1, 1)))).toBe('is INT32, golden is FP32')
	})

	it('takes scalars and empty tensors', () => {
		expect(judge({ absolute: 0.5 }, floats([], 1), floats([], 1.25))).toBeNull()
		expect(judge({ absolute: 0.5 }, floats([], 1), floats([], 2))).toBe('row 0: element 0 is off by 1, more than 0.5')
		expect(judge({ cosine: 1 }, floats([0, 3]), floats([0, 3]))).toBeNull()
	})

	it('reads half and brain floats for what they stand for', () => {
		// 1, 1.5, -2, the smallest subnormal: as binary16 and as bfloat16.
		const half = tensor('FP16', [4], Uint16Array.of(0x3c00, 0x3e00, 0xc000, 0x0001))
		expect(judge({ absolute: 0.25 }, half, tensor('FP16', [4], Uint16Array.of(0x3d00, 0x3e00, 0xc000, 0x0001)))).toBeNull()
		expect(judge({ absolute: 0.25 }, half, tensor('FP16', [4], Uint16Array.of(0x3e00, 0x3e00, 0xc000, 0x0001)))).toBe(
			'row 0: element 0 is off by 0.5, more than 0.25',
		)
		expect(judge({ absolute: 1e9 }, half, tensor('FP16', [4], Uint16Array.of(0x7e00, 0x3e00, 0xc000, 0x0001)))).toBe(
			'row 0: element 0 is not a number',
		)
		const brain = tensor('BF16', [2], Uint16Array.of(0x3f80, 0xc000))
		expect(judge({ absolute: 0.1 }, brain, tensor('BF16', [2], Uint16Array.of(0x3fc0, 0xc000)))).toBe(
			'row 0: element 0 is off by 0.5, more than 0.1',
		)
		expect(judge({ absolute: 1e9 }, brain, tensor('BF16', [2], Uint16Array.of(0x7fc0, 0xc000)))).toBe('row 0: element 0 is not a number')
	})

	it('compares whole numbers of all widths', () => {
		for (const datatype of datatypes.filter((name): name is Datatype => !/^(FP|BF)/.test(name))) {
			const zeros = tensor(datatype, [3], allocate(datatype, 3))
			const bytes = new Uint8Array(zeros.data.byteLength)
			bytes[0] = 2
			expect(judge({ absolute: 1 }, zeros, tensor(datatype, [3], viewAs(datatype, bytes)))).toBe(
				'row 0: element 0 is off by 2, more than 1',
			)
		}
	})
})
