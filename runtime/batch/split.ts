// Splits a tensors call that is too big for one run along the model's batch axis, and joins the answers in order.

import type { Manifest } from '../../models/format/manifest.ts'
import type { TensorsCall } from '../core/call.ts'
import { startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import type { Tensors } from '../core/tensor.ts'
import { batchAxis, checkInputs, workOf } from '../session/inputs.ts'
import { inTurn } from './in-turn.ts'
import { mergeRan } from './merge.ts'
import { joinRows, sliceRows } from './rows.ts'

export interface SplitOptions {
	manifest: Pick<Manifest, 'inputs' | 'outputs' | 'axes'>
	/** Most rows of a run. Default: no limit. */
	rows?: number
	/** Most work of a run, the product of the sizes of its named axes: rows times tokens for a text model. It bounds a run's memory and time. Default: no limit. */
	work?: number
	/** Runs of one call that are under way at a time. Default: 2, so that the next one waits ready. */
	width?: number
}

/**
 * Calls of a model whose inputs and outputs have no `batch` axis pass unchanged, as do tasks.
 *
 * @returns a wrap; calls end with `too-large` when one row alone is over `work`, with `unavailable` when the runs were answered in different spaces.
 * @example split({ manifest, work: 2048 })(session)
 */
export function split({ manifest, rows = Number.POSITIVE_INFINITY, work = Number.POSITIVE_INFINITY, width = 2 }: SplitOptions) {
	const inputAxes = axesOf(manifest.inputs)
	const outputAxes = axesOf(manifest.outputs)
	const divisible = inputAxes.size > 0 && outputAxes.size === manifest.outputs.length

	/** Rows for each run of the call; `null` when it fits one. */
	function plan(tensors: Tensors): { total: number; step: number } | null {
		const sizes = checkInputs(manifest, tensors)
		const total = divisible ? (sizes.get(batchAxis) ?? 1) : 1
		const perRow = workOf(sizes) / total
		if (perRow > work)
			throw new SpillwayError('too-large', `one row asks for ${perRow} (${[...sizes.keys()].join(' × ')}), the limit is ${work}`)
		const step = Math.min(rows, Math.floor(work / perRow))
		return divisible && total > step ? { total, step } : null
	}

	return (inner: Executor): Executor => ({
		name: inner.name,
		accepts: inner.accepts,
		estimate: (call) => inner.estimate(call),
		dispose: () => inner.dispose(),
		async infer(call, context) {
			const planned = call.kind === 'tensors' ? plan(call.tensors) : null
			if (call.kind !== 'tensors' || !planned) return inner.infer(call, context)
			const clock = startClock(context.remaining)
			const answers = await inTurn(pieces(call, planned), width, context.signal, (piece, signal) =>
				inner.infer(piece, { ...context, remaining: clock(), signal }),
			)
			const outputs = answers.map(({ output }) => (output.kind === 'tensors' ? output.tensors : {}))
			const tensors = Object.fromEntries(
				[...outputAxes].map(([name, axis]) => [
					name,
					joinRows(
						outputs.map((output) => output[name] as Tensors[string]),
						axis,
					),
				]),
			)
			return { output: { kind: 'tensors', tensors }, ran: mergeRan(answers.map(({ ran }) => ran)) }
		},
	})

	function* pieces(call: TensorsCall, { total, step }: { total: number; step: number }): Generator<TensorsCall> {
		for (let start = 0; start < total; start += step) {
			const end = Math.min(start + step, total)
			const tensors = Object.entries(call.tensors).map(([name, value]) => {
				const axis = inputAxes.get(name)
				return [name, axis === undefined ? value : sliceRows(value, axis, start, end)]
			})
			yield { ...call, tensors: Object.fromEntries(tensors) }
		}
	}
}

/** Where each tensor has the batch axis. */
const axesOf = (specs: Manifest['inputs']): Map<string, number> =>
	new Map(specs.map(({ name, shape }): [string, number] => [name, shape.indexOf(batchAxis)]).filter(([, axis]) => axis >= 0))
