// The executor for a model of a server with a protocol of its own, by the mapping that the configuration declares.

import { provenance } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { callHeaders } from '../../../runtime/remote/call-headers.ts'
import type { Fetch } from '../../../runtime/remote/exchange.ts'
import { remoteExecutor } from '../../../runtime/remote/remote.ts'
import { held } from '../held.ts'
import { onlyFor } from '../only-for.ts'
import { codeOf } from '../statuses.ts'
import type { UpstreamModel, UpstreamOptions } from '../upstream.ts'
import { outputOf } from './answer.ts'
import type { Mapping } from './mapping.ts'
import { addressOf, headersOf, messageOf } from './request.ts'
import { inputsIn } from './template.ts'

/** What every kind on a mapping has. */
export interface HttpConfig extends Mapping {
	readonly name: string
	readonly url: string
}

/**
 * Makes the executor for one model of an upstream. Takes tensors where the model's are known, and `embed` where the mapping has it.
 *
 * Errors: those of `remoteExecutor`, `onlyFor` and `held`; `unsupported` for tensors that JSON cannot carry; `upstream` for an answer that is
 * not as declared.
 * @throws SpillwayError `malformed` when the mapping does not fit the model.
 */
export function httpUpstream({ upstream, key, model, fetch, environment }: UpstreamOptions<HttpConfig>): Executor {
	const { name, url, method, path } = upstream
	checkFit(upstream, model)
	const { remote, variant = null, space = null } = model
	const headers = headersOf(upstream, key, environment)
	const embeds = upstream.embed !== undefined && model.interface.task?.kind === 'embed'
	const executor = remoteExecutor(
		{ name, fetch: method === 'POST' ? fetch : withMethod(method, fetch) },
		{
			accepts: [...(takesTensors(upstream, model) ? (['tensors'] as const) : []), ...(embeds ? (['embed'] as const) : [])],
			codeOf: codeOf(model.interface),
			request(call, context) {
				const message = messageOf(call, upstream, remote)
				return {
					url: addressOf(url, path, remote),
					message: { ...message, headers: { ...callHeaders(context), ...message.headers, ...headers } },
				}
			},
			answer(call, exchange) {
				const output = outputOf(call, exchange, upstream, model.interface)
				return { output, ran: { ...provenance(name, call.model), version: model.version, variant, space, hops: 1 } }
			},
		},
	)
	return held(onlyFor(executor, model), model)
}

/** JSON tells no datatypes: the model's outputs must. */
const takesTensors = ({ tensors }: Mapping, { interface: { inputs, outputs } }: UpstreamModel): boolean =>
	tensors !== 'json' || (inputs !== null && outputs !== null)

/** What can be known to be wrong before the first call. */
function checkFit(upstream: HttpConfig, model: UpstreamModel): void {
	const {
		interface: { task, inputs, outputs },
		remote,
	} = model
	const refuse = (why: string) => {
		throw new SpillwayError('malformed', `upstream ${upstream.name}, model ${model.name}: ${why}`)
	}
	if (upstream.path.includes('{version}') && remote.version === undefined)
		refuse(`the path holds {version}; say which under models.${model.name}.version`)
	if (upstream.embed && task?.kind !== 'embed') refuse('"embed" is declared, but the model does not embed')
	if (upstream.tensors !== 'json') return
	if (!takesTensors(upstream, model)) {
		if (!upstream.embed) refuse('its inputs and outputs are not declared, and JSON does not tell them: declare them, or "embed"')
		return
	}
	const unknown = inputsIn(upstream.body).find((name) => !inputs?.some((spec) => spec.name === name))
	if (unknown !== undefined) refuse(`"body" names the input "${unknown}", which the model does not have`)
	if (typeof upstream.outputs === 'string') return
	const missing = outputs?.find((spec) => !Object.hasOwn(upstream.outputs as object, spec.name))
	if (missing) refuse(`"outputs" does not say where "${missing.name}" stands`)
}

const withMethod =
	(method: string, fetch: Fetch = (url, init) => globalThis.fetch(url, init)): Fetch =>
	(url, init) =>
		fetch(url, { ...init, method })
