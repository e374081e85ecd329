// The models of an edge, by name: their versions, and what looks after them.

import type { Channel } from '../../models/format/channel.ts'
import type { Provider } from '../../models/format/manifest.ts'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { satisfies } from '../../runtime/core/version.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { EdgeConfig, ModelConfig } from '../config/schema.ts'
import type { MetricsStore } from '../metrics/store.ts'
import type { Models, ServedModel } from '../parts.ts'
import type { Comparison, Comparisons } from '../versions/comparisons.ts'
import { type ModelVersions, modelVersions } from '../versions/model.ts'
import { plainRouting, type Routing } from '../versions/routing.ts'
import { declaredModel, type Serving, type ServingOptions, serve } from '../versions/serving.ts'
import { noRoutes, type RouteState, type RouteStore } from '../versions/state.ts'

export type { Answering, Offered, Version } from '../versions/serving.ts'

export interface ServedOptions extends Omit<ServingOptions, 'limits'> {
	config: EdgeConfig
	catalog: Catalog
	/** Where the catalogue is, for who looks after it. */
	where: string
	/** The execution provider that this platform runs models on. */
	provider: Provider
	/** What the admin API has changed. Default: nothing, ever. */
	routes?: Pick<RouteStore, 'read'>
	/** Where shadow traffic is told. Default: nowhere. */
	comparisons?: Pick<Comparisons, 'add'>
	metrics?: Pick<MetricsStore, 'add'>
}

export interface OwnedModels extends Models {
	/** A model's versions; undefined for one that is not configured, or only declared. */
	versions(name: string): ModelVersions | undefined
	/** The routing of a model, and who says it. */
	routing(name: string): Promise<{ readonly routing: Routing; readonly source: 'configuration' | 'admin'; readonly revision: number }>
	/** Resolves when every model of the configuration that is loaded at the start answers. @throws SpillwayError why one does not. */
	loaded(): Promise<void>
	dispose(): Promise<void>
}

/**
 * Makes the models that the configuration names.
 *
 * Keeps settled values only, so that requests on workerd never wait for one another.
 */
export function servedModels(options: ServedOptions): OwnedModels {
	const { config, catalog, routes, comparisons, metrics } = options
	const names = Object.keys(config.models)
	const declared = new Map<string, Serving>()
	const packed = new Map<string, ModelVersions>()
	const retiring = new Set<ReturnType<typeof setTimeout>>()
	const told = new Map<string, string>()
	/** What answers calls that ask for no version, as long as these stay: with thousands of models the way to one must be short. */
	const fixed = new Map<string, { readonly state: RouteState; readonly channel: Channel; readonly model: ServedModel }>()

	const missing = (name: string) => `model ${name} is not in the catalogue (${options.where}); pack it, or leave it out of "models"`

	/** Once, not at each request. */
	function tell(name: string, fault: string): void {
		if (told.get(name) !== fault) console.error(`${name}: ${fault}`)
		told.set(name, fault)
	}

	const configOf = (name: string): ModelConfig | undefined => (Object.hasOwn(config.models, name) ? config.models[name] : undefined)

	/** @throws SpillwayError `unavailable` when it is the catalogue's fault, which is not the caller's. */
	async function asking<T>(name: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
		try {
			return await ask()
		} catch (error) {
			tell(name, messageOf(error))
			throw new SpillwayError('unavailable', `${name} cannot be served: ${messageOf(error)}`, { cause: error })
		}
	}

	async function declare(name: string, form: NonNullable<ModelConfig['declared']>): Promise<Serving> {
		const serving = declared.get(name) ?? (await serve(declaredModel(name, form), { ...options, limits: config.limits }))
		// Another request may have done the same meanwhile.
		const before = declared.get(name)
		declared.set(name, before ?? serving)
		return before ?? serving
	}

	function versionsOf(name: string, modelConfig: ModelConfig): ModelVersions {
		const there = packed.get(name)
		if (there) return there
		const configured = modelConfig.versions ?? plainRouting
		const made = modelVersions({
			...options,
			name,
			config: modelConfig,
			limits: config.limits,
			routing: () => {
				const state = routes?.read() ?? noRoutes
				return state instanceof Promise ? state.then((state) => changed(state, name) ?? configured) : (changed(state, name) ?? configured)
			},
			tell: (fault) => tell(name, fault),
			retire,
			compared,
		})
		packed.set(name, made)
		return made
	}

	/** Its calls may take until their deadline. */
	function retire(serving: Serving): void {
		const timer = setTimeout(() => {
			retiring.delete(timer)
			serving.executor.dispose().catch((error) => console.error(`${serving.name} ${serving.version}:`, error))
		}, config.limits.maxDeadline)
		retiring.add(timer)
	}

	async function compared(comparison: Comparison): Promise<void> {
		const { model, version, shadow, outcome, cosine } = comparison
		const labels = { model, version, shadow }
		await Promise.all([
			comparisons?.add(comparison),
			metrics?.add([
				{ metric: 'spillway_shadow_total', labels: { ...labels, outcome }, value: 1 },
				...(cosine === null ? [] : [{ metric: 'spillway_shadow_distance' as const, labels, value: 1 - cosine }]),
			]),
		])
	}

	async function main(name: string): Promise<Serving | undefined> {
		const modelConfig = configOf(name)
		if (!modelConfig) return undefined
		if (modelConfig.declared) return declare(name, modelConfig.declared)
		return asking(name, () => versionsOf(name, modelConfig).main())
	}

	async function remembered(name: string): Promise<ServedModel | undefined> {
		const known = fixed.get(name)
		if (!known || ((await routes?.read()) ?? noRoutes) !== known.state) return undefined
		const packed = await catalog.channel(name)
		return packed?.channel === known.channel ? known.model : undefined
	}

	async function remember(name: string, versions: ModelVersions, configured: Routing): Promise<void> {
		const one = versions.fixed()
		const state = (await routes?.read()) ?? noRoutes
		if (one?.routing === (changed(state, name) ?? configured)) fixed.set(name, { ...one, state })
	}

	return {
		names,
		async get(name, version, asker) {
			const any = version === undefined && asker?.space === undefined
			const known = any && (await remembered(name))
			if (known) return known
			const modelConfig = configOf(name)
			if (!modelConfig) return undefined
			if (modelConfig.declared) {
				const found = await declare(name, modelConfig.declared)
				return version === undefined || satisfies(found.version, version) ? found : undefined
			}
			const versions = versionsOf(name, modelConfig)
			const found = await asking(name, () => versions.get(version, asker))
			// What fails again after this is told again.
			if (found) told.delete(name)
			if (found && any) await remember(name, versions, modelConfig.versions ?? plainRouting)
			// Not the caller's fault: it was promised by the configuration.
			if (!found && !(await versions.plan())) throw new SpillwayError('unavailable', `${name} cannot be served: ${missing(name)}`)
			return found
		},
		async list() {
			const found = await Promise.all(names.map(main))
			return found.filter((model) => model !== undefined)
		},
		versions(name) {
			const modelConfig = configOf(name)
			return modelConfig && !modelConfig.declared ? versionsOf(name, modelConfig) : undefined
		},
		async routing(name) {
			const state = (await routes?.read()) ?? noRoutes
			const own = changed(state, name)
			const { revision } = state
			return own
				? { routing: own, source: 'admin', revision }
				: { routing: configOf(name)?.versions ?? plainRouting, source: 'configuration', revision }
		},
		async loaded() {
			const loadAll = names.map(async (name) => {
				// Of thousands that are loaded on demand, nobody waits for those that nobody asks for.
				if (configOf(name)?.load === 'demand') return
				const found = await main(name)
				if (!found) {
					const fault = missing(name)
					tell(name, fault)
					throw new SpillwayError('not-found', fault)
				}
				const versions = packed.get(name)
				await (versions ? versions.settled() : found.loaded())
			})
			await Promise.all(loadAll)
		},
		async dispose() {
			for (const timer of retiring) clearTimeout(timer)
			await Promise.all([
				...[...packed.values()].map((versions) => versions.dispose()),
				...[...declared.values()].map(({ executor }) => executor.dispose()),
			])
		},
	}
}

const changed = ({ models }: RouteState, name: string): Routing | null =>
	Object.hasOwn(models, name) ? (models[name]?.routing ?? null) : null
