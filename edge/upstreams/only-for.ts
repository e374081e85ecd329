// An upstream's executor, held to the one model that it is for.

import type { Call } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { accepts, cannot, type Executor } from '../../runtime/core/executor.ts'
import { satisfies } from '../../runtime/core/version.ts'
import type { UpstreamModel } from './upstream.ts'

/**
 * Refuses calls of a kind that the executor does not take, for another model or version, or in another space.
 *
 * Errors, beside the executor's own: `unsupported`.
 */
export function onlyFor(executor: Executor, model: Pick<UpstreamModel, 'name' | 'version' | 'space'>): Executor {
	const { name } = executor

	function refusal(call: Call): string | undefined {
		const asked = call.model
		if (!accepts(executor, call)) return `${name} takes ${executor.accepts.join(' and ')} only`
		if (asked.name !== model.name || !satisfies(model.version, asked.version ?? model.version))
			return `${name} does not serve ${asked.name} ${asked.version ?? ''}`.trimEnd()
		if (asked.space !== undefined && asked.space !== model.space)
			return `${name} answers in the space ${model.space ?? 'that nobody has named'}, asked was ${asked.space}`
	}

	return {
		...executor,
		estimate(call) {
			const detail = refusal(call)
			return detail ? cannot('unsupported', detail) : executor.estimate(call)
		},
		infer(call, context) {
			const why = refusal(call)
			return why ? Promise.reject(new SpillwayError('unsupported', why)) : executor.infer(call, context)
		},
	}
}
