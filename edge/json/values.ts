// Tensors as nested JSON values, both ways: for protocols whose JSON tells no shapes and no datatypes.

import type { Datatype } from '../../runtime/core/datatype.ts'
import type { Tensor } from '../../runtime/core/tensor.ts'
import { type Refuse, readJson, writeElements } from '../../runtime/remote/oip-json.ts'

/** More axes than any model has. */
const maxRank = 32

/**
 * Writes a tensor as JSON arrays within arrays, as its shape says; a scalar is a bare value.
 *
 * @param refuse called with the reason when JSON cannot carry the data (FP16, BF16, NaN, infinities).
 * @example writeNested(tensor('INT64', [1, 2], BigInt64Array.of(1n, 2n)), refuse) // '[[1,2]]'
 */
export const writeNested = (tensor: Tensor, refuse: Refuse): string => nest(writeElements(tensor, refuse), tensor.shape)

/**
 * Writes a tensor's parts along its first axis, each for itself.
 * @param refuse called with the reason when JSON cannot carry the data, or a scalar has no axis.
 */
export function writeParts(tensor: Tensor, refuse: Refuse): string[] {
	const [count, ...inner] = tensor.shape
	if (count === undefined) return refuse('is a scalar: it has no rows')
	const elements = writeElements(tensor, refuse)
	const size = elements.length / Math.max(1, count)
	return Array.from({ length: count }, (_, at) => nest(elements.slice(at * size, (at + 1) * size), inner))
}

/** From the innermost axis outwards. */
function nest(elements: readonly string[], shape: readonly number[]): string {
	let level = elements
	for (const [axis, size] of [...shape.entries()].reverse()) {
		const count = shape.slice(0, axis).reduce((product, outer) => product * outer, 1)
		const from = level
		level = Array.from({ length: count }, (_, at) => `[${from.slice(at * size, (at + 1) * size).join(',')}]`)
	}
	return level[0] ?? '[]'
}

/**
 * Reads nested values as a tensor; its shape is that of the nesting.
 *
 * @param refuse called with the reason when the values are ragged or not of the datatype.
 */
export function readNested<D extends Datatype>(datatype: D, value: unknown, refuse: Refuse): Tensor<D> {
	const shape = shapeOf(value, refuse)
	return readJson(datatype, shape, shape.length === 0 ? [value] : value, refuse)
}

/** The shape that the first of all values have; that the others have it, too, is checked when they are read. */
function shapeOf(value: unknown, refuse: Refuse): number[] {
	const shape: number[] = []
	for (let inner = value; Array.isArray(inner); inner = inner[0]) {
		if (shape.length === maxRank) refuse(`has more than ${maxRank} axes`)
		shape.push(inner.length)
	}
	return shape
}
