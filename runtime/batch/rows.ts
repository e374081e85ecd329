// Cutting tensors along an axis, and joining them again.

import { allocate } from '../core/datatype.ts'
import { SpillwayError } from '../core/error.ts'
import { type Tensor, tensor } from '../core/tensor.ts'

/** Rows `start` up to but not including `end` along `axis`; a copy. */
export function sliceRows({ datatype, shape, data }: Tensor, axis: number, start: number, end: number): Tensor {
	const { outer, inner, size } = strides(shape, axis)
	const width = (end - start) * inner
	const cut = allocate(datatype, outer * width)
	for (let block = 0; block < outer; block++) {
		const from = (block * size + start) * inner
		cut.set(data.subarray(from, from + width) as never, block * width)
	}
	return tensor(datatype, shape.with(axis, end - start), cut)
}

/**
 * The parts behind one another along `axis`.
 *
 * @throws SpillwayError `unsupported` unless they have the same datatype and, but for `axis`, the same shape.
 */
export function joinRows(parts: readonly Tensor[], axis: number): Tensor {
	const [first] = parts
	if (!first) throw new RangeError('nothing to join')
	const form = ({ datatype, shape }: Tensor) => `${datatype} [${shape.with(axis, 0)}]`
	const other = parts.find((part) => form(part) !== form(first))
	if (other)
		throw new SpillwayError(
			'unsupported',
			`parts of a batch came as ${form(first)} and ${form(other)}, which cannot be joined: send fewer rows`,
		)
	const size = parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0)
	const shape = first.shape.with(axis, size)
	const { outer, inner } = strides(shape, axis)
	const joined = allocate(first.datatype, outer * size * inner)
	let row = 0
	for (const part of parts) {
		const rows = part.shape[axis] as number
		for (let block = 0; block < outer; block++) {
			const from = block * rows * inner
			joined.set(part.data.subarray(from, from + rows * inner) as never, (block * size + row) * inner)
		}
		row += rows
	}
	return tensor(first.datatype, shape, joined)
}

function strides(shape: readonly number[], axis: number): { outer: number; size: number; inner: number } {
	const product = (sizes: readonly number[]) => sizes.reduce((result, size) => result * size, 1)
	return { outer: product(shape.slice(0, axis)), size: shape[axis] as number, inner: product(shape.slice(axis + 1)) }
}
