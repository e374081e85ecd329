// What the metrics gain by one call to a model.

import type { Provenance } from '../../runtime/core/call.ts'
import type { ErrorCode } from '../../runtime/core/error.ts'
import type { ServedModel } from '../parts.ts'
import type { Increment } from './store.ts'

export interface CallOutcome {
	/** The model, where the call came as far as that. */
	readonly served: Pick<ServedModel, 'name' | 'version'> | undefined
	/** How the answer was made, where there is one. */
	readonly ran: Provenance | undefined
	/** The error that it ended in. */
	readonly code: ErrorCode | undefined
	/** Name of the protocol. */
	readonly protocol: string
}

export function figuresOfCall({ served, ran, code, protocol }: CallOutcome): Increment[] {
	const figures: Increment[] = []
	if (code) figures.push({ metric: 'spillway_errors_total', labels: { code, protocol }, value: 1 })
	if (served) {
		const { name: model, version } = served
		figures.push({ metric: 'spillway_version_calls_total', labels: { model, version, code: code ?? 'ok' }, value: 1 })
	}
	if (!ran) return figures
	const { model, executor, queue, run } = ran
	const labels = { model, executor, provider: ran.provider ?? 'unknown' }
	figures.push({ metric: 'spillway_inferences_total', labels, value: 1 })
	if (run !== null) figures.push({ metric: 'spillway_inference_run_seconds', labels, value: run / 1000 })
	if (queue !== null) figures.push({ metric: 'spillway_inference_queue_seconds', labels, value: queue / 1000 })
	for (const passed of ran.overflow) {
		figures.push({ metric: 'spillway_overflow_total', labels: { model, executor: passed.executor, reason: passed.reason }, value: 1 })
	}
	return figures
}
