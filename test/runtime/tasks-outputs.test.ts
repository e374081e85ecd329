// What comes back from a session or a server is held against what was asked, before it becomes vectors.

import { describe, expect, test } from 'vitest'
import type { EmbedTask } from '../../models/format/manifest.ts'
import type { Output } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { checkInputs } from '../../runtime/session/inputs.ts'
import { vectorsOf } from '../../runtime/tasks/tensors.ts'

const task = { output: 'v', dimensions: 2 } as EmbedTask
const output = (shape: number[], ...data: number[]): Output => ({
	kind: 'tensors',
	tensors: { v: tensor('FP32', shape, Float32Array.from(data)) },
})

describe('vectors', () => {
	test('are the rows of the output', () => {
		expect(vectorsOf(task, output([2, 2], 1, 2, 3, 4), 2)).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)])
	})

	test.each([
		['NaN', output([2, 2], 1, 1, Number.NaN, 1)],
		['infinite', output([2, 2], 1, 1, Number.POSITIVE_INFINITY, 1)],
		['in another shape of the same size', output([1, 4], 1, 2, 3, 4)],
		['missing', { kind: 'tensors', tensors: {} } as Output],
	])('%s are an error, not an answer', (_, answer) => {
		expect(() => vectorsOf(task, answer, 2)).toThrow(expect.objectContaining({ code: 'upstream' }))
	})
})

test.each([[-1n], [10n]])('an id of %s, outside what the manifest allows, is refused', (id) => {
	const spec = { inputs: [{ name: 'ids', datatype: 'INT64' as const, shape: ['tokens'], min: 0, max: 9 }], axes: { tokens: {} } }
	expect(() => checkInputs(spec, { ids: tensor('INT64', [2], BigInt64Array.of(0n, 9n)) })).not.toThrow()
	expect(() => checkInputs(spec, { ids: tensor('INT64', [2], BigInt64Array.of(1n, id)) })).toThrow(/from 0 to 9/)
})
