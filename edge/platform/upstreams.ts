// The upstreams of a model, as the configuration names them.

import { spaceOf } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import type { Tokenizer } from '../../runtime/tasks/tokenizer.ts'
import { type Environment, secretOf } from '../config/environment.ts'
import type { EdgeConfig } from '../config/schema.ts'
import { kindOf, type UpstreamConfig } from '../upstreams/kinds.ts'
import { remembered } from '../upstreams/readiness.ts'
import type { UpstreamModel } from '../upstreams/upstream.ts'
import type { Answering, Offered, Version } from './served.ts'

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
 * Gives the executors for a model's upstreams, in the order of the configuration.
 * @throws SpillwayError `malformed` when a key that the configuration names is not set.
 */
export async function upstreamsOf(
	offered: Offered,
	{ config, environment, fetch, tokenizer }: UpstreamsOptions,
): Promise<readonly Answering[]> {
	const { packed } = offered
	const having = config.upstreams
		.filter(({ models }) => Object.hasOwn(models, offered.name))
		.map((upstream) => ({ upstream, model: modelOf(upstream, offered) }))
	// Whose vectors are in another space than this edge's are not asked for the task.
	const answersTask = ({ space }: UpstreamModel) => offered.interface.task?.kind === 'embed' && space === offered.spaces[0]
	const reader = packed && having.some(({ model }) => answersTask(model)) ? await tokenizer(packed) : undefined
	return having.map(({ upstream, model }) => {
		const key = upstream.key && secretOf(upstream.key, environment)
		const kind = kindOf(upstream)
		const server = kind.executor({ upstream, key, model, fetch, environment })
		const ready = readiness.get(upstream) ?? remembered((hops) => kind.isUp({ upstream, key, hops, fetch, environment }))
		readiness.set(upstream, ready)
		// What takes the task itself needs no tokenizer in front.
		if (!packed || !reader || !answersTask(model) || server.accepts.includes('embed')) return { executor: server, ready }
		const { manifest } = packed
		return { executor: tokenized(inSpace(server, model), { manifest, tokenizer: reader, ...batch }), ready }
	})
}

/** A model as the upstream has it. */
function modelOf({ models }: UpstreamConfig, { name, version, interface: form, spaces, packed }: Offered): UpstreamModel {
	const { name: remoteName = name, version: remoteVersion, variant } = models[name] ?? {}
	const space = packed ? variant && spaceOf(name, packed.digest, variant) : spaces[0]
	return { name, version, interface: form, remote: { name: remoteName, version: remoteVersion }, variant, space }
}

/** Insists on the space of the upstream's vectors for every call that does not name one. */
function inSpace(inner: Executor, { space }: UpstreamModel): Executor {
	return { ...inner, infer: (call, context) => inner.infer({ ...call, model: { ...(space && { space }), ...call.model } }, context) }
}
