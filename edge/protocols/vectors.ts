// Vectors as one tensor.

import { type Tensor, tensor } from '../../runtime/core/tensor.ts'

/** FP32 [rows, dimensions] of vectors that are all of one length. */
export function joinVectors(vectors: readonly Float32Array[]): Tensor<'FP32'> {
	const dimensions = vectors[0]?.length ?? 0
	const data = new Float32Array(vectors.length * dimensions)
	vectors.forEach((vector, row) => {
		data.set(vector, row * dimensions)
	})
	return tensor('FP32', [vectors.length, dimensions], data)
}
