// Between token ids and the model's tensors.

import type { EmbedTask } from '../../models/format/manifest.ts'
import type { Output } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import { type Tensors, tensor } from '../core/tensor.ts'
import type { Encoded } from './groups.ts'

/** Ids and mask of a group, INT64 [rows, longest], padded at the end. */
export function padded({ inputs, padId }: EmbedTask, group: readonly Encoded[]): Tensors {
	const length = Math.max(...group.map(({ ids }) => ids.length))
	const ids = new BigInt64Array(group.length * length).fill(BigInt(padId))
	const mask = new BigInt64Array(group.length * length)
	for (const [row, text] of group.entries())
		for (const [column, id] of text.ids.entries()) {
			ids[row * length + column] = BigInt(id)
			mask[row * length + column] = 1n
		}
	const shape = [group.length, length]
	return { [inputs.ids]: tensor('INT64', shape, ids), [inputs.mask]: tensor('INT64', shape, mask) }
}

/** Each row of the task's output as an array of its own. */
export function vectorsOf({ output: name, dimensions }: EmbedTask, output: Output, rows: number): Float32Array[] {
	const found = output.kind === 'tensors' ? output.tensors[name] : undefined
	if (!(found?.data instanceof Float32Array) || String(found.shape) !== `${rows},${dimensions}`)
		throw new SpillwayError(
			'upstream',
			`output ${JSON.stringify(name)} is ${found ? `${found.datatype} [${found.shape}]` : 'missing'}, must be FP32 [${rows}, ${dimensions}]`,
		)
	const { data } = found
	if (!data.every(Number.isFinite)) throw new SpillwayError('upstream', `output ${JSON.stringify(name)} holds numbers that are not finite`)
	return Array.from({ length: rows }, (_, row) => data.slice(row * dimensions, (row + 1) * dimensions))
}
