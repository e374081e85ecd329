// Comparing the answers of two versions.

import { describe, expect, test } from 'vitest'
import { compare } from '../../edge/versions/compare.ts'
import { tensor } from '../../runtime/core/tensor.ts'

describe('comparing answers', () => {
	const floats = (...values: number[]) => ({
		kind: 'tensors' as const,
		tensors: { y: tensor('FP32', [1, values.length], Float32Array.from(values)) },
	})

	test('goes by the bounds that are given; without any, floats must be equal', () => {
		expect(compare(floats(1, 2), floats(1, 2), {})).toMatchObject({ same: true, cosine: 1, absolute: 0 })
		expect(compare(floats(1, 2), floats(1, 2.5), {})).toMatchObject({ same: false, absolute: 0.5 })
		expect(compare(floats(1, 2), floats(1, 2.5), { absolute: 0.5 }).same).toBe(true)
		expect(compare(floats(1, 2), floats(1, 2.5), { absolute: 0.5, cosine: 0.9999 }).same).toBe(false)
		expect(compare(floats(1, 2), floats(2, 4), { cosine: 0.9999 }).same).toBe(true)
	})

	test('what is no number, and another form, are never the same', () => {
		expect(compare(floats(1, 2), floats(1, Number.NaN), { absolute: 10 }).same).toBe(false)
		expect(compare(floats(1, 2), floats(1, 2, 3), { cosine: -1 })).toMatchObject({ same: false, absolute: null })
		const ids = (value: bigint) => ({ kind: 'tensors' as const, tensors: { y: tensor('INT64', [1], BigInt64Array.of(value)) } })
		expect(compare(ids(1n), ids(2n), { absolute: 10 })).toMatchObject({ same: false, detail: 'y[0] is 1, and 2' })
		expect(compare(ids(1n), floats(1), {})).toMatchObject({ same: false, detail: expect.stringContaining('INT64') })
		expect(compare({ kind: 'embed', vectors: [Float32Array.of(1, 0)], tokens: 1 }, floats(1, 0), {}).same).toBe(false)
	})
})
