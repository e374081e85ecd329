// How a model's calls come apart into rows, and how rows go together: what the manifest says of axes and padding.

import type { Manifest, TensorSpec } from '../../models/format/manifest.ts'
import { SpillwayError } from '../core/error.ts'
import type { Tensor, Tensors } from '../core/tensor.ts'
import { batchAxis, checkInputs, workOf } from '../session/inputs.ts'
import { cutBox, joinRows } from './rows.ts'

/** A call's tensors, held against the manifest. */
export interface Measured {
	readonly rows: number
	/** Sizes of the layout's axes, the same for each row. */
	readonly sizes: readonly number[]
}

/** One row, or a whole call that cannot be cut. */
export interface Part {
	readonly tensors: Tensors
	readonly sizes: readonly number[]
}

export interface Layout {
	/** Whether calls are cut into rows; else each one is run as it is. */
	readonly divisible: boolean
	/** Whether rows of different calls may share a run. */
	readonly joinable: boolean
	/** Most rows of a run. */
	readonly mostRows: number
	/** @throws SpillwayError `invalid-input`. */
	measure(tensors: Tensors): Measured
	/** Rows may share a run when this says the same of them. */
	form(sizes: readonly number[]): string
	/** One row of a call; a copy, so that nobody changes it while it waits. */
	row(tensors: Tensors, index: number): Tensors
	/** Rows of one form as the inputs of one run, padded to the longest. */
	joined(parts: readonly Part[]): Tensors
	/**
	 * The outputs of that run, row by row, padding cut away.
	 * @throws SpillwayError `upstream` when an output is missing or has not the shape that it must have: rows would be mixed up.
	 */
	parted(outputs: Tensors, parts: readonly Part[]): Tensors[]
	/** The outputs of a call from those of its rows, in order. */
	whole(parts: readonly Tensors[]): Tensors
}

/** Work of a row, the product of its named axes: tokens for a text model. */
export const unitsOf = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1)

/** The smallest sizes that hold both. */
export const enclosing = (a: readonly number[], b: readonly number[]): number[] => a.map((size, axis) => Math.max(size, b[axis] as number))

/** Reads it from the manifest. */
export function layoutOf(manifest: Pick<Manifest, 'inputs' | 'outputs' | 'axes' | 'task'>): Layout {
	const { inputs, outputs, axes } = manifest
	const batched = (specs: readonly TensorSpec[]) => specs.filter(({ shape }) => shape.includes(batchAxis))
	const divisible = batched(inputs).length > 0 && batched(outputs).length === outputs.length
	const named = [...new Set(inputs.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string')))]
	const rowAxes = divisible ? named.filter((name) => name !== batchAxis) : named
	const pads = new Map(inputs.map((spec) => [spec.name, padOf(spec, manifest)]))
	const padded = rowAxes.map((name) => inputs.every(({ name: input, shape }) => !shape.includes(name) || pads.get(input) !== undefined))

	/** The shape of one row, or of so many, of these sizes. */
	const shapeOf = ({ shape }: TensorSpec, actual: Tensor['shape'], rows: number, sizes: readonly number[]): number[] =>
		shape.map((size, position) => {
			if (size === batchAxis) return rows
			const axis = typeof size === 'string' ? rowAxes.indexOf(size) : -1
			return axis < 0 ? (actual[position] as number) : (sizes[axis] as number)
		})

	return {
		divisible,
		joinable: divisible && batched(inputs).length === inputs.length,
		mostRows: divisible ? (axes[batchAxis]?.max ?? Number.POSITIVE_INFINITY) : 1,
		measure(tensors) {
			const sizes = checkInputs(manifest, tensors)
			if (!divisible) return { rows: 1, sizes: [workOf(sizes)] }
			return { rows: sizes.get(batchAxis) as number, sizes: rowAxes.map((name) => sizes.get(name) as number) }
		},
		form: (sizes) => sizes.map((size, axis) => (padded[axis] ? '*' : size)).join(' '),
		row: (tensors, index) =>
			byName(inputs, tensors, ({ shape }, value) => {
				const axis = divisible ? shape.indexOf(batchAxis) : -1
				const from = value.shape.map((_, position) => (position === axis ? index : 0))
				return cutBox(value, from, axis < 0 ? value.shape : value.shape.with(axis, 1))
			}),
		joined(parts) {
			const [first] = parts as [Part]
			if (parts.length === 1) return first.tensors
			return byName(inputs, first.tensors, ({ name, shape }, value) => {
				const axis = shape.indexOf(batchAxis)
				const values = parts.map(({ tensors }) => tensors[name] as Tensor)
				return axis < 0 ? value : joinRows(values, axis, pads.get(name))
			})
		},
		parted(found, parts) {
			if (!divisible) return [found]
			const longest = parts.map(({ sizes }) => sizes).reduce(enclosing)
			for (const spec of outputs) {
				const { shape } = found[spec.name] ?? {}
				const expected = shapeOf(spec, shape ?? [], parts.length, longest)
				if (shape?.length !== spec.shape.length || expected.some((size, position) => size !== shape[position]))
					throw new SpillwayError(
						'upstream',
						`output ${JSON.stringify(spec.name)} of a run of ${parts.length} ${shape ? `has shape [${shape}], must have [${expected}]` : 'is missing'}`,
					)
			}
			if (parts.length === 1) return [byName(outputs, found, (_, value) => value)]
			return parts.map(({ sizes }, row) =>
				byName(outputs, found, (spec, value) => {
					const from = spec.shape.map((size) => (size === batchAxis ? row : 0))
					return cutBox(value, from, shapeOf(spec, value.shape, 1, sizes))
				}),
			)
		},
		whole(parts) {
			const [first] = parts as [Tensors]
			if (parts.length === 1) return first
			return byName(outputs, first, ({ name, shape }) =>
				joinRows(
					parts.map((part) => part[name] as Tensor),
					shape.indexOf(batchAxis),
				),
			)
		},
	}
}

const byName = (specs: readonly TensorSpec[], tensors: Tensors, change: (spec: TensorSpec, value: Tensor) => Tensor): Tensors =>
	Object.fromEntries(specs.map((spec) => [spec.name, change(spec, tensors[spec.name] as Tensor)]))

/** What an input is padded with; a task's inputs have theirs by their meaning. */
function padOf({ name, pad }: TensorSpec, { task }: Pick<Manifest, 'task'>): number | undefined {
	if (name === task?.inputs.ids) return task.padId
	return name === task?.inputs.mask ? 0 : pad
}
