// The second model, asked of an edge: other names, other shapes, no batch axis, no task.

import { expect } from 'vitest'
import { tensor } from '../../../runtime/core/tensor.ts'
import { ringReference } from '../../fixtures/ring/make.ts'
import { context, edgeAt } from './minilm.ts'

/** Expects the answer to raw tensors that the model's definition gives, and that it says where it ran. */
export async function expectRing(url: string, provider: 'cpu' | 'wasm'): Promise<void> {
	const signal = Float32Array.from({ length: 50 }, (_, at) => Math.sin(at / 3))
	const tensors = { signal: tensor('FP32', [50], signal), gain: tensor('FP32', [1], Float32Array.of(1.5)) }
	const { output, ran } = await edgeAt(url).infer({ kind: 'tensors', model: { name: 'ring' }, tensors }, context())
	if (output.kind !== 'tensors') throw new Error('no tensors')
	const { filtered, peak } = ringReference(signal, 1.5)
	const given = output.tensors.filtered?.data as Float32Array
	expect(given).toHaveLength(50)
	for (const [at, value] of filtered.entries()) expect(given[at]).toBeCloseTo(value, 3)
	expect(output.tensors.peak?.data[0]).toBeCloseTo(peak, 3)
	expect(ran).toMatchObject({ executor: 'edge', provider, model: 'ring', hops: 1, overflow: [] })
}
