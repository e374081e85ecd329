// Calls that can be cut into parts, row by row, and their answers joined again in order.

import { mergeRan } from '../../../runtime/batch/merge.ts'
import { cutBox, joinRows } from '../../../runtime/batch/rows.ts'
import type { Answer, Call, EmbedCall, EmbedOutput, Output, Provenance, TensorsCall, TensorsOutput } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensor, Tensors } from '../../../runtime/core/tensor.ts'
import { batchAxis } from '../../../runtime/session/inputs.ts'
import type { ModelInterface } from '../../parts.ts'

export interface Cutting {
	/** Rows that the call can be cut into; 1 for what cannot be cut. */
	rows(call: Call): number
	/** Its rows from `from` to before `to`. */
	cut(call: Call, from: number, to: number): Call
	/**
	 * The answers of the parts, in order, as one.
	 * @throws SpillwayError `unavailable` when they are in different spaces; `upstream` when they do not fit together.
	 */
	join(answers: readonly Answer[], rows: readonly number[]): Answer
}

/**
 * How a model's calls are cut: texts singly, tensors along the axis `batch`, where all outputs have it, too, and no axis whose size only the
 * answer tells: parts could not be joined that found three things in one row and five in another.
 */
export function cuttingOf({ inputs, outputs }: Pick<ModelInterface, 'inputs' | 'outputs'>): Cutting {
	const axes = new Map((inputs ?? []).map(({ name, shape }) => [name, shape.indexOf(batchAxis)]))
	const joins = new Map((outputs ?? []).map(({ name, shape }) => [name, shape.indexOf(batchAxis)]))
	const told = new Set((inputs ?? []).flatMap(({ shape }) => shape))
	const joinable = (outputs ?? []).every(({ shape }) => shape.every((size) => typeof size === 'number' || told.has(size)))
	const divisible = [...axes.values()].some((axis) => axis >= 0) && joins.size > 0 && ![...joins.values()].includes(-1) && joinable

	function rowsOf({ tensors }: TensorsCall): number {
		for (const [name, axis] of axes) if (axis >= 0) return Number(tensors?.[name]?.shape?.[axis]) || 1
		return 1
	}

	const cutTensors = (tensors: Tensors, from: number, to: number): Tensors =>
		Object.fromEntries(
			Object.entries(tensors).map(([name, value]) => {
				const axis = axes.get(name) ?? -1
				const start = value.shape.map((_, at) => (at === axis ? from : 0))
				return [name, axis < 0 ? value : cutBox(value, start, value.shape.with(axis, to - from))]
			}),
		)

	const joinTensors = (parts: readonly Tensors[]): Tensors =>
		Object.fromEntries(
			[...joins].map(([name, axis]) => [
				name,
				joinRows(
					parts.map((part) => part[name] as Tensor),
					axis,
				),
			]),
		)

	function outputOf(outputs: readonly Output[]): Output {
		if (outputs.every((output) => output.kind === 'embed')) {
			const embedded = outputs as readonly EmbedOutput[]
			return {
				kind: 'embed',
				vectors: embedded.flatMap(({ vectors }) => vectors),
				tokens: embedded.reduce((sum, { tokens }) => sum + tokens, 0),
			}
		}
		return { kind: 'tensors', tensors: joinTensors((outputs as readonly TensorsOutput[]).map(({ tensors }) => tensors)) }
	}

	return {
		rows(call) {
			if (call.kind === 'tensors') return divisible ? rowsOf(call) : 1
			return call.task === 'embed' && Array.isArray(call.input) ? call.input.length : 1
		},
		cut(call, from, to) {
			if (call.kind === 'tensors') return { ...call, tensors: cutTensors(call.tensors, from, to) }
			return { ...(call as EmbedCall), input: (call as EmbedCall).input.slice(from, to) }
		},
		join(answers, rows) {
			const ran = ranOf(
				answers.map(({ ran }) => ran),
				rows,
			)
			try {
				return { output: outputOf(answers.map(({ output }) => output)), ran }
			} catch (error) {
				throw SpillwayError.from(error, 'upstream', `the answers of ${ran.executor} do not fit together: `)
			}
		},
	}
}

/** All who answered, in the order of their rows, and how many each. */
function ranOf(rans: readonly Provenance[], rows: readonly number[]): Provenance {
	const parts = rans.map(({ executor }, at) => ({ executor, rows: rows[at] as number }))
	const names = [...new Set(parts.map(({ executor }) => executor))]
	return { ...mergeRan(rans), executor: names.join('+'), parts }
}
