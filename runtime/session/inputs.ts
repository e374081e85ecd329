// Whether a call's tensors are what the manifest asks for. ONNX Runtime's own errors come late and name operators, not inputs.

import type { Manifest, TensorSpec } from '../../models/format/manifest.ts'
import { SpillwayError } from '../core/error.ts'
import { checkTensor, type Tensor, type Tensors } from '../core/tensor.ts'

/** Size of each named axis within one call. */
export type AxisSizes = ReadonlyMap<string, number>

/** The axis along which calls may be joined and split. */
export const batchAxis = 'batch'

/**
 * @returns the size of each named axis.
 * @throws SpillwayError `invalid-input` that names the input and says what is expected.
 * @example checkInputs(manifest, { input_ids, attention_mask }).get('batch') // 8
 */
export function checkInputs({ inputs, axes }: Pick<Manifest, 'inputs' | 'axes'>, tensors: Tensors): AxisSizes {
	if (typeof tensors !== 'object' || tensors === null) throw refuse(`give tensors by name: ${expected(inputs)}`)
	for (const name of Object.keys(tensors))
		if (!inputs.some((spec) => spec.name === name))
			throw refuse(`the model has no input ${JSON.stringify(name)}; it takes ${expected(inputs)}`)
	const sizes = new Map<string, number>()
	for (const spec of inputs) {
		const given = Object.hasOwn(tensors, spec.name) ? tensors[spec.name] : undefined
		if (given === undefined) throw refuse(`input ${JSON.stringify(spec.name)} is missing; the model takes ${expected(inputs)}`)
		checkTensor(`input ${JSON.stringify(spec.name)}`, given)
		if (given.datatype !== spec.datatype) throw wrong(spec, `must be ${spec.datatype}, is ${given.datatype}`)
		if (given.shape.length !== spec.shape.length)
			throw wrong(spec, `must have shape [${spec.shape.join(', ')}], has [${given.shape.join(', ')}]`)
		for (const [position, wanted] of spec.shape.entries()) {
			const size = given.shape[position] as number
			if (typeof wanted === 'number') {
				if (size !== wanted) throw wrong(spec, `must have shape [${spec.shape.join(', ')}], has [${given.shape.join(', ')}]`)
				continue
			}
			const before = sizes.get(wanted)
			if (before !== undefined && before !== size) {
				const first = inputs.find(({ shape }) => shape.includes(wanted))
				throw wrong(spec, `has ${size} along axis ${JSON.stringify(wanted)}, but ${JSON.stringify(first?.name)} has ${before}`)
			}
			const max = axes[wanted]?.max
			if (size < 1 || (max !== undefined && size > max))
				throw wrong(spec, `has ${size} along axis ${JSON.stringify(wanted)}, must have ${max === undefined ? 'at least 1' : `1 to ${max}`}`)
			sizes.set(wanted, size)
		}
		checkRange(spec, given)
	}
	return sizes
}

/** ONNX's Gather counts negative ids from the end of the table: such a call would be answered, for something else. */
function checkRange(spec: TensorSpec, { data }: Tensor): void {
	const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec
	if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return
	for (const value of data) if (!(value >= min && value <= max)) throw wrong(spec, `must hold values from ${min} to ${max}, has ${value}`)
}

/** How much work a call is: the product of its named axes, so rows times tokens for a text model, and 1 where all is fixed. */
export const workOf = (sizes: AxisSizes): number => [...sizes.values()].reduce((product, size) => product * size, 1)

/** Work of a call that may yet turn out invalid. */
export function likelyWork(manifest: Pick<Manifest, 'inputs' | 'axes'>, tensors: Tensors): number {
	// What stands for any call, as states do, is asked about with each one: an error would take a tenth of a millisecond.
	if (Object.keys(tensors).length === 0) return 1
	try {
		return workOf(checkInputs(manifest, tensors))
	} catch {
		return 1
	}
}

const expected = (specs: readonly TensorSpec[]): string =>
	specs.map(({ name, datatype, shape }) => `${JSON.stringify(name)} ${datatype} [${shape.join(', ')}]`).join(', ')

const wrong = (spec: TensorSpec, why: string): SpillwayError => refuse(`input ${JSON.stringify(spec.name)} ${why}`)

const refuse = (message: string): SpillwayError => new SpillwayError('invalid-input', message)
