// An upstream that speaks the Open Inference Protocol over REST: Triton, KServe, MLServer, another Spillway edge.

import type { Manifest } from '../../../models/format/manifest.ts'
import { spaceOf } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { satisfies } from '../../../runtime/core/version.ts'
import type { Fetch } from '../../../runtime/remote/exchange.ts'
import { serverExecutor } from '../../../runtime/remote/server.ts'
import { checkInputs } from '../../../runtime/session/inputs.ts'
import type { UpstreamConfig } from '../../config/schema.ts'
import { checkOutputs } from './outputs.ts'

export interface OipOptions {
	upstream: UpstreamConfig
	/** The upstream's API key, if it wants one. */
	key: string | undefined
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	/** How its requests are sent. Default: the platform's `fetch`. */
	fetch?: Fetch | undefined
}

/**
 * Makes the executor for one model of an upstream. Takes tensors; inputs and answer are held against the manifest, so that neither the
 * upstream's words about a caller's mistake nor an answer of another form gets through.
 *
 * Errors: those of `serverExecutor`; that the upstream refuses this edge's key or does not know the model is this edge's fault and
 * becomes `upstream`, for the caller's own key and model are right.
 */
export function oipUpstream({ upstream, key, manifest, digest, fetch }: OipOptions): Executor {
	const { name, url, binary } = upstream
	const { name: remoteName = manifest.model, version, variant } = upstream.models[manifest.model] ?? {}
	const space = variant === undefined ? undefined : spaceOf(manifest.model, digest, variant)
	const server = serverExecutor({
		name,
		address: url,
		key,
		binary,
		fetch,
		serves: (model) =>
			model.name === manifest.model && satisfies(manifest.version, model.version ?? manifest.version)
				? { name: remoteName, version, variant, space }
				: undefined,
	})
	return {
		...server,
		async infer(call, context) {
			if (call.kind !== 'tensors') return server.infer(call, context)
			const sizes = checkInputs(manifest, call.tensors)
			const answer = await server.infer(call, context).catch((error) => {
				throw ofThisEdge(name, SpillwayError.from(error))
			})
			if (answer.output.kind === 'tensors') checkOutputs(name, manifest, sizes, answer.output.tensors)
			return { ...answer, ran: { ...answer.ran, version: manifest.version } }
		},
	}
}

/** What is said of this edge's own key, name or request. */
const ours = ['unauthenticated', 'forbidden', 'not-found', 'invalid-input', 'malformed']
/** What is said of the upstream. */
const theirs = ['network', 'upstream', 'unavailable', 'rate-limited']

/** The error as this edge's caller should see it, with the upstream's name in its words, for those who have several. */
function ofThisEdge(name: string, error: SpillwayError): SpillwayError {
	const { code, message, retryAfter } = error
	if (![...ours, ...theirs].includes(code)) return error
	return new SpillwayError(ours.includes(code) ? 'upstream' : code, message.includes(name) ? message : `${name}: ${message}`, {
		cause: error,
		...(retryAfter !== undefined && { retryAfter }),
	})
}
