// Cutting tensors along an axis, joining them again, with padding where their other axes differ.

import { allocate } from '../core/datatype.ts'
import { SpillwayError } from '../core/error.ts'
import { elements, type Tensor, tensor } from '../core/tensor.ts'

/** The box of this shape that begins at `from`; a copy. */
export function cutBox({ datatype, shape, data }: Tensor, from: readonly number[], box: readonly number[]): Tensor {
	const cut = allocate(datatype, elements(box))
	copyBox({ data, shape, at: from }, { data: cut, shape: box, at: from.map(() => 0) }, box)
	return tensor(datatype, box, cut)
}

/**
 * The parts behind one another along `axis`.
 *
 * @param pad fills the ends of parts that are shorter than others along another axis. Default: none may be.
 * @throws SpillwayError `unsupported` unless they have the same datatype and, without `pad`, but for `axis` the same shape.
 */
export function joinRows(parts: readonly Tensor[], axis: number, pad?: number): Tensor {
	const [first] = parts
	if (!first) throw new RangeError('nothing to join')
	const form = ({ datatype, shape }: Tensor) => `${datatype} [${pad === undefined ? shape.with(axis, 0) : shape.length}]`
	const firstForm = form(first)
	const other = parts.find((part) => form(part) !== firstForm)
	if (other)
		throw new SpillwayError(
			'unsupported',
			`parts of a batch came as ${firstForm} and ${form(other)}, which cannot be joined: send fewer rows`,
		)
	const rows = parts.reduce((sum, { shape }) => sum + (shape[axis] as number), 0)
	const longest = (index: number) => parts.reduce((most, { shape }) => Math.max(most, shape[index] as number), 0)
	const shape = first.shape.map((_, index) => longest(index)).with(axis, rows)
	const joined = allocate(first.datatype, elements(shape))
	if (pad) fill(joined, pad)
	let row = 0
	for (const part of parts) {
		copyBox(
			{ data: part.data, shape: part.shape, at: part.shape.map(() => 0) },
			{ data: joined, shape, at: at(shape, axis, row) },
			part.shape,
		)
		row += part.shape[axis] as number
	}
	return tensor(first.datatype, shape, joined)
}

const at = (shape: readonly number[], axis: number, position: number): number[] => shape.map((_, index) => (index === axis ? position : 0))

function fill(data: Tensor['data'], value: number): void {
	if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value))
	else data.fill(value)
}

interface Side {
	data: Tensor['data']
	shape: readonly number[]
	/** Where the box begins. */
	at: readonly number[]
}

/** Copies a box of numbers from one row-major array to another of the same datatype. */
function copyBox(from: Side, to: Side, box: readonly number[]): void {
	// Axes at the end that are whole on both sides, and the one before them, lie in one piece.
	let outer = box.length
	let piece = 1
	while (outer > 0) {
		const size = box[--outer] as number
		piece *= size
		if (size !== from.shape[outer] || size !== to.shape[outer]) break
	}
	const fromSteps = steps(from.shape)
	const toSteps = steps(to.shape)
	let source = offset(from.at, fromSteps)
	let target = offset(to.at, toSteps)
	const index = new Array<number>(outer).fill(0)
	if (elements(box) === 0) return
	for (;;) {
		to.data.set(from.data.subarray(source, source + piece) as never, target)
		let axis = outer - 1
		for (; axis >= 0; axis--) {
			source += fromSteps[axis] as number
			target += toSteps[axis] as number
			const size = box[axis] as number
			index[axis] = (index[axis] as number) + 1
			if ((index[axis] as number) < size) break
			index[axis] = 0
			source -= size * (fromSteps[axis] as number)
			target -= size * (toSteps[axis] as number)
		}
		if (axis < 0) return
	}
}

/** How far apart neighbours along each axis lie. */
function steps(shape: readonly number[]): number[] {
	const result = new Array<number>(shape.length)
	let step = 1
	for (let axis = shape.length - 1; axis >= 0; axis--) {
		result[axis] = step
		step *= shape[axis] as number
	}
	return result
}

const offset = (at: readonly number[], steps: readonly number[]): number =>
	at.reduce((sum, position, axis) => sum + position * (steps[axis] as number), 0)
