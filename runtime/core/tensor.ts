// A tensor: element type, shape, and a typed array in row-major order.

import { type Datatype, type DatatypeArrays, holds, isDatatype } from './datatype.ts'
import { SpillwayError } from './error.ts'

export interface Tensor<D extends Datatype = Datatype> {
	readonly datatype: D
	readonly shape: readonly number[]
	readonly data: DatatypeArrays[D]
}

/** Tensors by name, as a model's inputs or outputs. */
export type Tensors = Readonly<Record<string, Tensor>>

/** Number of elements that a shape asks for; a scalar (`[]`) has one. */
export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/**
 * Makes a checked tensor.
 *
 * @param datatype element type, e.g. `"FP32"`.
 * @param shape sizes, outermost first; each a non-negative integer.
 * @param data row-major elements; the array type that `datatype` asks for (`BigInt64Array` for INT64).
 * @throws SpillwayError `invalid-input` when they do not fit together.
 * @example tensor("INT64", [1, 3], BigInt64Array.of(101n, 7592n, 102n))
 */
export function tensor<D extends Datatype>(datatype: D, shape: readonly number[], data: DatatypeArrays[D]): Tensor<D> {
	const made = { datatype, shape, data }
	checkTensor('tensor', made)
	return made
}

/** Throws `invalid-input`, naming the tensor, unless datatype, shape and data fit together. */
export function checkTensor(name: string, value: Tensor): void {
	const refuse = (why: string): never => {
		throw new SpillwayError('invalid-input', `${name}: ${why}`)
	}
	if (typeof value !== 'object' || value === null) refuse('is no tensor; give { datatype, shape, data }')
	const { datatype, shape, data } = value
	if (!isDatatype(datatype)) refuse(`unknown datatype ${JSON.stringify(datatype)}`)
	if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
		refuse(`shape ${JSON.stringify(shape)} must hold non-negative integers`)
	if (!holds(datatype, data)) refuse(`${datatype} data must not be ${(data as object | undefined)?.constructor?.name ?? typeof data}`)
	if (data.length !== elements(shape)) refuse(`shape [${shape}] asks for ${elements(shape)} elements, data has ${data.length}`)
}
