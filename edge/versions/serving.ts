// One version of a model at this edge: its executors in process and elsewhere, as one.

import type { Manifest, Provider } from '../../models/format/manifest.ts'
import { spaceOf } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import type { DeclaredConfig, Limits, ModelConfig } from '../config/schema.ts'
import type { ServedModel } from '../parts.ts'
import type { LoadState } from '../platform/loading.ts'
import { shedding } from '../upstreams/routing/shedding.ts'

/** One version of a model, and how this edge runs it. */
export interface Version {
	readonly name: string
	readonly digest: string
	readonly manifest: Manifest
	readonly variant: string
	readonly config: ModelConfig
	/** Whether it must stay loaded, whoever needs its memory. */
	kept(): boolean
	/** Whether it is the one that the channel names. */
	current(): boolean
	/** Digests of all versions of the model that may be wanted here. */
	wanted(): readonly string[]
}

/** What upstreams need to know of a version, or of a model that is only declared. */
export interface Offered extends Pick<ServedModel, 'name' | 'version' | 'interface' | 'spaces'> {
	/** Null for a model that is only declared. */
	readonly packed: Version | null
}

/** How a version stands in this process, or in its object. */
export interface Standing {
	readonly state: LoadState
	/** Why it failed. */
	readonly detail?: string
}

/** An executor, and whether it would answer now. */
export interface Answering {
	readonly executor: Executor
	/** Starts loading where that has not happened; never rejects. */
	ready(hops?: number): Promise<boolean>
	/** Settles with the load, where there is one to wait for. Rejects with its error. */
	loaded?(): Promise<void>
	/** How the load stands, where there is one; begins none. */
	standing?(): Promise<Standing>
	/** Gives the load's memory back, once calls in it are over. */
	unload?(): Promise<void>
}

export interface ServingOptions {
	readonly limits: Pick<Limits, 'callsPerModel' | 'longestWait'>
	/** Runs a version here, under the name `edge`. */
	inProcess(version: Version): Answering
	/** The upstreams that have the model, in the order of the configuration. */
	upstreams(offered: Offered): Promise<readonly Answering[]>
}

export interface Serving extends ServedModel {
	/** Null for a model that is only declared. */
	readonly from: Version | null
	/** Whether calls are answered without waiting for a load. Begins it; never rejects. */
	able(): Promise<boolean>
	/** Settles when they are. Rejects with why they are not. */
	loaded(): Promise<void>
	/** How it stands here; null where it runs elsewhere only. */
	standing(): Promise<Standing | null>
	unload(): Promise<void>
}

/** @param offered what is served. */
export async function serve(offered: Offered, { limits, inProcess, upstreams }: ServingOptions): Promise<Serving> {
	const { packed, ...model } = offered
	const remote = await upstreams(offered)
	const here = packed?.config.inProcess ? inProcess(packed) : undefined
	const answering = [...(here ? [here] : []), ...remote]
	const anyReady = async (from: readonly Answering[], hops?: number) => {
		// In order: who is ready in process need not ask a server elsewhere.
		for (const one of from) if (await one.ready(hops)) return true
		return false
	}
	const able = () => anyReady(answering)
	return {
		...model,
		from: packed,
		digest: packed?.digest ?? null,
		manifest: packed?.manifest ?? null,
		variant: packed?.variant ?? null,
		executor: shedding(limits)(asOne(answering.map(({ executor }) => executor))),
		able,
		async ready(hops) {
			// What is loaded on demand is ready to be asked: a probe must not load it.
			if (packed?.config.load === 'demand' && here?.standing && (await here.standing()).state !== 'failed') return true
			return anyReady(answering, hops)
		},
		async loaded() {
			for (const one of answering) await one.loaded?.()
			if (!(await able())) throw new SpillwayError('unavailable', `no upstream of ${model.name} is up`)
		},
		standing: async () => (await here?.standing?.()) ?? null,
		async unload() {
			await here?.unload?.()
		},
	}
}

export function packedModel(packed: Version): Offered {
	const { name, digest, manifest, variant } = packed
	const others = Object.keys(manifest.variants).filter((other) => other !== variant)
	return {
		name,
		version: manifest.version,
		interface: manifest,
		spaces: [variant, ...others].map((one) => spaceOf(name, digest, one)),
		packed,
	}
}

export function declaredModel(name: string, { version, axes, ...more }: DeclaredConfig): Offered {
	const { task = null, inputs = null, outputs = null } = more
	const spaces = task?.kind === 'embed' ? [task.space ?? `${name}@${version}`] : []
	return { name, version, interface: { task, inputs, outputs, axes }, spaces, packed: null }
}

/**
 * The variant to run: the configured one, else the first with a graph for the provider.
 * @throws SpillwayError `malformed` when the manifest has none that fits.
 */
export function variantOf({ model, version, variants }: Manifest, { variant, inProcess }: ModelConfig, provider: Provider): string {
	const names = Object.keys(variants)
	const able = inProcess ? names.filter((name) => variants[name]?.graphs[provider]) : names
	const chosen = variant ?? able[0]
	if (chosen !== undefined && able.includes(chosen)) return chosen
	const what = variant === undefined ? 'no variant' : `no variant "${variant}"`
	throw new SpillwayError(
		'malformed',
		`${model} ${version} has ${what}${inProcess ? ` with a graph for ${provider}` : ''}; it has ${names}`,
	)
}

/** Bytes of the files that a version is made of, loaded: graph, weights, tokenizer. */
export function bytesOf(
	{ manifest, variant, config }: Pick<Version, 'manifest' | 'variant'> & { config: Pick<ModelConfig, 'memory'> },
	provider: Provider,
): number {
	const graph = manifest.variants[variant]?.graphs[provider]
	const names = new Set([...(graph ? [graph.file, ...graph.external] : []), ...(manifest.task ? [manifest.task.tokenizer] : [])])
	return config.memory ?? [...names].reduce((sum, name) => sum + (manifest.files[name]?.size ?? 0), 0)
}

/** Several are asked one after the other; a single one keeps the promises of an executor by itself, and every loop around it costs. */
function asOne(executors: readonly Executor[]): Executor {
	const [only] = executors
	return only && executors.length === 1 ? { ...only, name: 'edge' } : overflow('edge', executors)
}
