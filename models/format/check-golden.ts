// Whether a golden sample fits the model's inputs and outputs.

import { bytesPerElement } from '../../runtime/core/datatype.ts'
import { elements } from '../../runtime/core/tensor.ts'
import type { Problem } from './json.ts'
import type { Description, Golden, TensorData } from './manifest.ts'

/** Problems of one golden sample: names, datatypes, shapes (an axis has one size within a sample), bytes. */
export function checkGolden(
	description: Pick<Description, 'inputs' | 'outputs' | 'axes'>,
	golden: Golden,
	path: readonly (string | number)[],
): Problem[] {
	const problems: Problem[] = []
	const sizes = new Map<string, number>()
	for (const side of ['inputs', 'outputs'] as const) {
		const tensors = golden[side]
		for (const name of Object.keys(tensors))
			if (!description[side].some((spec) => spec.name === name))
				problems.push({ path: [...path, side, name], message: `is no ${side.slice(0, -1)} of the model` })
		for (const spec of description[side]) {
			const data = Object.hasOwn(tensors, spec.name) ? tensors[spec.name] : undefined
			const place = [...path, side, spec.name]
			if (!data) {
				problems.push({ path: place, message: 'is missing' })
				continue
			}
			if (data.datatype !== spec.datatype)
				problems.push({ path: [...place, 'datatype'], message: `is ${data.datatype}, must be ${spec.datatype}` })
			const shape = misfit(data.shape, spec.shape, sizes, description.axes)
			if (shape) problems.push({ path: [...place, 'shape'], message: shape })
			const needed = elements(data.shape) * bytesPerElement(data.datatype)
			if (byteLength(data) !== needed)
				problems.push({
					path: [...place, 'data'],
					message: `has ${byteLength(data)} bytes, ${data.datatype} [${data.shape}] needs ${needed}`,
				})
		}
	}
	return problems
}

/** Why `shape` does not fit `spec`, or `null`; `sizes` remembers each axis over the sample. */
function misfit(
	shape: readonly number[],
	spec: readonly (number | string)[],
	sizes: Map<string, number>,
	axes: Description['axes'],
): string | null {
	if (shape.length !== spec.length) return `is [${shape}], must be [${spec}]`
	for (const [index, size] of shape.entries()) {
		const wanted = spec[index] as number | string
		if (typeof wanted === 'number') {
			if (size !== wanted) return `is [${shape}], must be [${spec}]`
			continue
		}
		const before = sizes.get(wanted) ?? size
		sizes.set(wanted, before)
		if (size !== before) return `has ${size} along ${JSON.stringify(wanted)}, another tensor of the sample has ${before}`
		const max = Object.hasOwn(axes, wanted) ? axes[wanted]?.max : undefined
		if (max !== undefined && size > max) return `has ${size} along ${JSON.stringify(wanted)}, the maximum is ${max}`
	}
	return null
}

/** Bytes that base64 stands for, without decoding it. */
const byteLength = ({ data }: TensorData): number => (data.length / 4) * 3 - (data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0)
