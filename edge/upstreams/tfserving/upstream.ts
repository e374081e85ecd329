// The executor for a model of an upstream that speaks TensorFlow Serving's REST interface.

import type { Executor } from '../../../runtime/core/executor.ts'
import { httpUpstream } from '../http/upstream.ts'
import type { UpstreamOptions } from '../upstream.ts'
import { modelPath } from './path.ts'

export interface TfservingConfig {
	readonly name: string
	readonly url: string
	readonly signature?: string | undefined
	readonly format: 'columns' | 'rows'
}

/**
 * Makes the executor for one model of an upstream. Takes tensors, which travel as JSON with all their digits.
 *
 * Errors: those of `httpUpstream`.
 * @throws SpillwayError `malformed` when the model's inputs and outputs are not known: JSON does not tell them.
 */
export function tfservingUpstream({ upstream, ...options }: UpstreamOptions<TfservingConfig>): Executor {
	const { name, url, signature, format } = upstream
	const rows = format === 'rows'
	return httpUpstream({
		upstream: {
			name,
			url,
			method: 'POST',
			path: `${modelPath(options.model.remote)}:predict`,
			headers: {},
			keyHeader: 'Authorization',
			tensors: 'json',
			body: { ...(signature !== undefined && { signature_name: signature }), ...(rows ? { instances: '$rows' } : { inputs: '$columns' }) },
			outputs: rows ? '/predictions' : '/outputs',
		},
		...options,
	})
}
