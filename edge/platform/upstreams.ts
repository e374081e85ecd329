// The upstreams of a model, as the configuration names them, behind one executor that chooses among them.

import { batching } from '../../runtime/batch/batching.ts'
import { spaceOf } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import type { Tokenizer } from '../../runtime/tasks/tokenizer.ts'
import type { Environment } from '../config/environment.ts'
import type { EdgeConfig } from '../config/schema.ts'
import { secretOf } from '../config/secrets.ts'
import { kindOf, type UpstreamConfig } from '../upstreams/kinds.ts'
import { isAboutNumbers } from '../upstreams/outputs.ts'
import { remembered } from '../upstreams/readiness.ts'
import { cuttingOf } from '../upstreams/routing/cutting.ts'
import { routed } from '../upstreams/routing/group.ts'
import { limited } from '../upstreams/routing/limited.ts'
import type { Member } from '../upstreams/routing/member.ts'
import type { RoutingConfig } from '../upstreams/routing/settings.ts'
import { stateOf } from '../upstreams/routing/state.ts'
import { watched } from '../upstreams/routing/watched.ts'
import type { UpstreamModel } from '../upstreams/upstream.ts'
import { hasVersion, onlyFor } from '../versions/only-for.ts'
import type { Answering, Offered, Version } from './served.ts'

export interface UpstreamsOptions {
	config: EdgeConfig
	/** Where the upstreams' keys are. */
	environment: Environment
	/** How requests to an upstream are sent. Default: by the platform's `fetch`. */
	fetchOf?(upstream: UpstreamConfig): Fetch
	/** Gives the model's tokenizer. */
	tokenizer(version: Version): Promise<Tokenizer>
	/** Whether what one request does may wake another one. Not on workerd (workerd issue 210). */
	across: boolean
	/** Processes of this edge, each of which has its part of what upstreams declare to take. Default: 1. */
	processes?: number | undefined
}

/** One for each upstream, whichever models it answers. */
const readiness = new WeakMap<UpstreamConfig, Answering['ready']>()

/** The upstreams of each model: with thousands of models nobody looks through all of them for one. */
const byModel = new WeakMap<EdgeConfig['upstreams'], Map<string, UpstreamConfig[]>>()

/** A GPU server takes more at a time than the edge itself; the groups are of near-equal length all the same. */
const group = { rows: 64, tokens: 16_384 }

/** A member, and what it is made of. */
interface Made extends Member {
	readonly model: UpstreamModel
	readonly ready: Answering['ready']
}

/**
 * Gives the executor for a model's upstreams; none where it has none.
 * @throws SpillwayError `malformed` when a key that the configuration names is not set, or what it asks for cannot be here.
 */
export async function upstreamsOf(offered: Offered, options: UpstreamsOptions): Promise<readonly Answering[]> {
	const made = upstreamsWith(offered.name, options.config).map((upstream) => memberOf(upstream, offered, options))
	if (made.length === 0) return []
	const { packed } = offered
	// Whose vectors are in another space than this edge's are not asked for the task. What takes the task itself needs no tokenizer in front.
	const answersTask = ({ model }: Made) => offered.interface.task?.kind === 'embed' && model.space === offered.spaces[0]
	const needsReader = (member: Made) => packed && answersTask(member) && !member.executor.accepts.includes('embed')
	const reading = packed && made.some(needsReader) && { manifest: packed.manifest, tokenizer: await options.tokenizer(packed), ...group }
	const routing = options.config.models[offered.name]?.routing as RoutingConfig
	const chosen = { prefer: routing.prefer, hedge: routing.hedge, cutting: cuttingOf(offered.interface) }
	const ready = async (hops?: number) => (await Promise.all(made.map((member) => member.ready(hops)))).includes(true)

	if (routing.batch && offered.interface.inputs && offered.interface.outputs) {
		const tensors = routed('upstreams', made, chosen)
		const batched = batchedFor(offered, routing.batch, made, options)(tensors)
		const space = offered.spaces[0]
		return [{ executor: reading ? tokenized(inSpace(batched, space), reading) : batched, ready }]
	}
	const members = made.map((member) =>
		reading && needsReader(member) ? { ...member, executor: tokenized(inSpace(member.executor, member.model.space), reading) } : member,
	)
	return [{ executor: routed('upstreams', members, { ...chosen, split: routing.split || undefined }), ready }]
}

function upstreamsWith(name: string, { upstreams }: EdgeConfig): readonly UpstreamConfig[] {
	let known = byModel.get(upstreams)
	if (!known) {
		known = new Map()
		for (const upstream of upstreams)
			for (const model of Object.keys(upstream.models)) known.set(model, [...(known.get(model) ?? []), upstream])
		byModel.set(upstreams, known)
	}
	return known.get(name) ?? []
}

/** The upstream's executor for a model, within its limit, and passed by while it is known to be down. */
function memberOf(upstream: UpstreamConfig, offered: Offered, { environment, fetchOf, across, processes = 1 }: UpstreamsOptions): Made {
	const model = modelOf(upstream, offered)
	const has = hasVersion(offered, upstream.models[offered.name]?.serves)
	const key = upstream.key && secretOf(upstream.key, environment)
	const kind = kindOf(upstream)
	const fetch = fetchOf?.(upstream)
	const made = onlyFor(kind.executor({ upstream, key, model, fetch, environment }), offered.version, has)
	const server = tellingOf(upstream.accelerator, made)
	const ready = readiness.get(upstream) ?? remembered((hops) => kind.isUp({ upstream, key, hops, fetch, environment }))
	readiness.set(upstream, ready)
	const capacity = upstream.capacity && Math.ceil(upstream.capacity / processes)
	const { load, health, onBack } = stateOf(upstream, { ask: () => ready(1), across, capacity })
	// Who is up again need not wait until its circuit tries it.
	const back = 'reset' in server ? (server.reset as () => void) : undefined
	if (back) onBack.add(back)
	const executor = limited(load)(watched(health)(server))
	return {
		executor: {
			...executor,
			async dispose() {
				if (back) onBack.delete(back)
				await executor.dispose()
			},
		},
		load,
		cost: upstream.cost ?? 0,
		variant: model.variant,
		check: (keep) => health.check(keep),
		model,
		ready: async (hops) => has() && ready(hops),
	}
}

function batchedFor(
	{ name, interface: form, packed }: Offered,
	{ rows, wait }: NonNullable<RoutingConfig['batch']>,
	members: readonly Member[],
	{ across }: UpstreamsOptions,
) {
	if (!across)
		throw new SpillwayError(
			'malformed',
			`models.${name}.routing.batch: requests of a Worker cannot share runs; leave it out, and let the upstream batch`,
		)
	const { axes, inputs, outputs } = form
	const manifest = packed?.manifest ?? { model: name, inputs: inputs ?? [], outputs: outputs ?? [], axes, task: null }
	/** Calls are few and large: each upstream has one to do, and one on the way. */
	const width = () => 2 * Math.max(1, members.filter(({ load }) => load.inFlight < load.limit).length)
	return batching({
		manifest,
		maxBatch: rows,
		maxWait: wait,
		width,
		mostWidth: () => 2 * members.length,
		isOneRows: isAboutNumbers,
		...(manifest.task && { maxWork: group.tokens }),
	})
}

/** Says in provenance what the upstream computes on. */
function tellingOf(accelerator: string | undefined, inner: Executor): Executor {
	if (!accelerator) return inner
	const infer: Executor['infer'] = async (call, context) => {
		const answer = await inner.infer(call, context)
		return { ...answer, ran: { ...answer.ran, accelerator } }
	}
	return { ...inner, infer }
}

/** A model as the upstream has it. */
function modelOf({ models }: UpstreamConfig, { name, version, interface: form, spaces, packed }: Offered): UpstreamModel {
	const { name: remoteName = name, version: remoteVersion, variant } = models[name] ?? {}
	const space = packed ? variant && spaceOf(name, packed.digest, variant) : spaces[0]
	return { name, version, interface: form, remote: { name: remoteName, version: remoteVersion }, variant, space }
}

/** Insists on the space of the upstream's vectors for every call that does not name one. */
function inSpace<Inner extends Executor>(inner: Inner, space: string | undefined): Inner {
	return { ...inner, infer: (call, context) => inner.infer({ ...call, model: { ...(space && { space }), ...call.model } }, context) }
}
