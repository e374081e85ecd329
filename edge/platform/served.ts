// The models of an edge: for each one its catalogue entry, and the executors that answer for it.

import type { Manifest, Provider } from '../../models/format/manifest.ts'
import { spaceOf } from '../../runtime/core/call.ts'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { satisfies } from '../../runtime/core/version.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { DeclaredConfig, EdgeConfig, ModelConfig } from '../config/schema.ts'
import type { Models, ServedModel } from '../parts.ts'

/** One version of a model, and how this edge runs it. */
export interface Version {
	readonly name: string
	readonly digest: string
	readonly manifest: Manifest
	readonly variant: string
	readonly config: ModelConfig
}

/** What upstreams need to know of a version, or of a model that is only declared. */
export interface Offered extends Pick<ServedModel, 'name' | 'version' | 'interface' | 'spaces'> {
	/** Null for a model that is only declared. */
	readonly packed: Version | null
}

/** An executor, and whether it would answer now. */
export interface Answering {
	readonly executor: Executor
	/** Starts loading where that has not happened; never rejects. */
	ready(hops?: number): Promise<boolean>
	/** Settles with the load, where there is one to wait for. Rejects with its error. */
	loaded?(): Promise<void>
}

export interface ServedOptions {
	config: EdgeConfig
	catalog: Catalog
	/** Where the catalogue is, for who looks after it. */
	where: string
	/** The execution provider that this platform runs models on. */
	provider: Provider
	/** Runs a version here, under the name `edge`. */
	inProcess(version: Version): Answering
	/** The upstreams that have the model, in the order of the configuration. */
	upstreams(offered: Offered): Promise<readonly Answering[]>
	/** Called with a version that another one has replaced, once calls to it are over. */
	retired?(version: Version): void
}

interface Serving extends ServedModel {
	/** Null for a model that is only declared. */
	readonly from: Version | null
	loaded(): Promise<void>
}

export interface OwnedModels extends Models {
	/** Resolves when every model of the configuration answers. @throws SpillwayError why one does not. */
	loaded(): Promise<void>
	dispose(): Promise<void>
}

/**
 * Makes the models that the configuration names. When a channel names another version, that one is loaded beside the first and takes
 * over when it is ready: a version that fails its golden check never does, and the last good one goes on.
 *
 * Keeps settled values only, so that requests on workerd never wait for one another.
 */
export function servedModels(options: ServedOptions): OwnedModels {
	const { config, catalog } = options
	const current = new Map<string, Serving>()
	const coming = new Map<string, Serving>()
	const retiring = new Set<ReturnType<typeof setTimeout>>()
	const told = new Map<string, string>()

	const missing = (name: string) => `model ${name} is not in the catalogue (${options.where}); pack it, or leave it out of "models"`

	/** Once, not at each request. */
	function tell(name: string, fault: string): void {
		if (told.get(name) !== fault) console.error(`${name}: ${fault}`)
		told.set(name, fault)
	}

	async function find(name: string): Promise<Serving | undefined> {
		const modelConfig = Object.hasOwn(config.models, name) ? config.models[name] : undefined
		if (!modelConfig) return undefined
		try {
			const found = modelConfig.declared ? await declare(name, modelConfig.declared) : await update(name, modelConfig)
			// What fails again after this is told again.
			if (found) told.delete(name)
			return found
		} catch (error) {
			const last = current.get(name)
			tell(name, messageOf(error))
			// A catalogue that is damaged is not the caller's fault; what was read before is still good.
			if (last) return last
			throw new SpillwayError('unavailable', `${name} cannot be served: ${messageOf(error)}`, { cause: error })
		}
	}

	async function declare(name: string, declared: DeclaredConfig): Promise<Serving> {
		const serving = current.get(name) ?? (await serve(declaredModel(name, declared), options))
		// Another request may have done the same meanwhile.
		const before = current.get(name)
		current.set(name, before ?? serving)
		return before ?? serving
	}

	async function update(name: string, modelConfig: ModelConfig): Promise<Serving | undefined> {
		const packed = await catalog.channel(name)
		const now = current.get(name)
		if (!packed || now?.digest === packed.channel.manifest) return now
		const next = await prepare(name, packed.channel.manifest, modelConfig)
		if (now && !(await next.ready())) return now
		coming.delete(name)
		// Another request may have done the same meanwhile.
		const before = current.get(name)
		if (before?.digest === next.digest) return before
		current.set(name, next)
		if (before) retire(before)
		return next
	}

	async function prepare(name: string, digest: string, modelConfig: ModelConfig): Promise<Serving> {
		const begun = coming.get(name)
		if (begun?.digest === digest) return begun
		const stored = await catalog.manifest(digest)
		if (!stored) throw new SpillwayError('not-found', `the channel of ${name} names manifest ${digest}, which is not in the catalogue`)
		const { manifest } = stored
		const variant = variantOf(manifest, modelConfig, options.provider)
		const serving = await serve(packedModel({ name, digest, manifest, variant, config: modelConfig }), options)
		// From here on nothing is awaited: of several requests that came this far, the first one's is taken.
		const prepared = coming.get(name)
		if (prepared?.digest === digest) return prepared
		if (prepared) retire(prepared)
		coming.set(name, serving)
		return serving
	}

	/** Its calls may take until their deadline. */
	function retire(serving: Serving): void {
		const timer = setTimeout(() => {
			retiring.delete(timer)
			serving.executor
				.dispose()
				.then(() => serving.from && options.retired?.(serving.from))
				.catch((error) => console.error(`${serving.name} ${serving.version}:`, error))
		}, config.limits.maxDeadline)
		retiring.add(timer)
	}

	return {
		async get(name, version) {
			const found = await find(name)
			// Not the caller's fault: it was promised by the configuration.
			if (!found && Object.hasOwn(config.models, name)) throw new SpillwayError('unavailable', `${name} cannot be served: ${missing(name)}`)
			return found && (version === undefined || satisfies(found.version, version)) ? found : undefined
		},
		async list() {
			const found = await Promise.all(Object.keys(config.models).map(find))
			return found.filter((model) => model !== undefined)
		},
		async loaded() {
			const loadAll = Object.keys(config.models).map(async (name) => {
				const found = await find(name)
				if (!found) {
					const fault = missing(name)
					tell(name, fault)
					throw new SpillwayError('not-found', fault)
				}
				await found.loaded()
			})
			await Promise.all(loadAll)
		},
		async dispose() {
			for (const timer of retiring) clearTimeout(timer)
			await Promise.all([...current.values(), ...coming.values()].map(({ executor }) => executor.dispose()))
		},
	}
}

async function serve(offered: Offered, { inProcess, upstreams }: ServedOptions): Promise<Serving> {
	const { packed, ...model } = offered
	const remote = await upstreams(offered)
	const answering = [...(packed?.config.inProcess ? [inProcess(packed)] : []), ...remote]
	const ready = async (hops?: number) => {
		// In order: who is ready in process need not ask a server elsewhere.
		for (const one of answering) if (await one.ready(hops)) return true
		return false
	}
	return {
		...model,
		from: packed,
		digest: packed?.digest ?? null,
		manifest: packed?.manifest ?? null,
		variant: packed?.variant ?? null,
		executor: overflow(
			'edge',
			answering.map(({ executor }) => executor),
		),
		ready,
		async loaded() {
			for (const one of answering) await one.loaded?.()
			if (!(await ready())) throw new SpillwayError('unavailable', `no upstream of ${model.name} is up`)
		},
	}
}

function packedModel(packed: Version): Offered {
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

function declaredModel(name: string, { version, axes, ...more }: DeclaredConfig): Offered {
	const { task = null, inputs = null, outputs = null } = more
	const spaces = task?.kind === 'embed' ? [task.space ?? `${name}@${version}`] : []
	return { name, version, interface: { task, inputs, outputs, axes }, spaces, packed: null }
}

/**
 * The variant to run: the configured one, else the first with a graph for the provider.
 * @throws SpillwayError `malformed` when the manifest has none that fits.
 */
function variantOf({ model, version, variants }: Manifest, { variant, inProcess }: ModelConfig, provider: Provider): string {
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
