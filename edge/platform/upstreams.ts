// The upstreams of a model, as the configuration names them.

import { spaceOf } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import type { Tokenizer } from '../../runtime/tasks/tokenizer.ts'
import { type Environment, secretOf } from '../config/environment.ts'
import type { EdgeConfig, UpstreamConfig } from '../config/schema.ts'
import { isUp, remembered } from '../upstreams/oip/health.ts'
import { oipUpstream } from '../upstreams/oip/upstream.ts'
import type { Answering, Version } from './served.ts'

export interface UpstreamsOptions {
	config: EdgeConfig
	/** Where the upstreams' keys are. */
	environment: Environment
	/** How requests to upstreams are sent. Default: the platform's `fetch`. */
	fetch?: Fetch
	/** Gives the model's tokenizer. */
	tokenizer(version: Version): Promise<Tokenizer>
}

/** One for each upstream, whichever models it answers. */
const readiness = new WeakMap<UpstreamConfig, Answering['ready']>()

/** A GPU server takes more at a time than the edge itself; the groups are of near-equal length all the same. */
const batch = { rows: 64, tokens: 16_384 }

/**
 * Gives the executors for a version's upstreams, in the order of the configuration.
 * @throws SpillwayError `malformed` when a key that the configuration names is not set.
 */
export async function upstreamsOf(
	version: Version,
	{ config, environment, fetch, tokenizer }: UpstreamsOptions,
): Promise<readonly Answering[]> {
	const { manifest, digest } = version
	const having = config.upstreams.filter(({ models }) => Object.hasOwn(models, version.name))
	const reader = having.some((upstream) => answersTask(upstream, version)) ? await tokenizer(version) : undefined
	return having.map((upstream) => {
		const key = upstream.key && secretOf(upstream.key, environment)
		const server = oipUpstream({ upstream, key, manifest, digest, fetch })
		const executor =
			reader && answersTask(upstream, version) ? tokenized(inSpace(server, version), { manifest, tokenizer: reader, ...batch }) : server
		const ready = readiness.get(upstream) ?? remembered((hops) => isUp(upstream, key, hops, fetch))
		readiness.set(upstream, ready)
		return { executor, ready }
	})
}

/** Whether the upstream may answer the model's task: its vectors must be in the space that this edge answers in. */
const answersTask = ({ models }: UpstreamConfig, { name, manifest, variant }: Version): boolean =>
	manifest.task !== null && models[name]?.variant === variant

/** Insists on the space of the version for every call that does not name one. */
function inSpace(inner: Executor, { name, digest, variant }: Version): Executor {
	const space = spaceOf(name, digest, variant)
	return { ...inner, infer: (call, context) => inner.infer({ ...call, model: { space, ...call.model } }, context) }
}
