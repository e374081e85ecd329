// The executor for a model of an upstream that speaks the Open Inference Protocol over REST.

import type { Executor } from '../../../runtime/core/executor.ts'
import { satisfies } from '../../../runtime/core/version.ts'
import { serverExecutor } from '../../../runtime/remote/server.ts'
import { held } from '../held.ts'
import { codeOf } from '../statuses.ts'
import type { UpstreamOptions } from '../upstream.ts'

interface OipConfig {
	readonly name: string
	readonly url: string
	readonly binary: boolean
}

/**
 * Makes the executor for one model of an upstream. Takes tensors; what is held against the model's interface: see `held`.
 *
 * Errors: those of `serverExecutor` and `held`.
 */
export function oipUpstream({ upstream, key, model, fetch }: UpstreamOptions<OipConfig>): Executor {
	const { remote, variant, space } = model
	const { name, url, binary } = upstream
	const server = serverExecutor({
		name,
		address: url,
		key,
		binary,
		fetch,
		codeOf: codeOf(model.interface),
		serves: (asked) =>
			asked.name === model.name && satisfies(model.version, asked.version ?? model.version) ? { ...remote, variant, space } : undefined,
	})
	return held(server, model)
}
