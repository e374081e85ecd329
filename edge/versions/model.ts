// The versions of one model at this edge: which one answers a call, and how one takes over from another.

import { type Channel, type Published, published } from '../../models/format/channel.ts'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { satisfies } from '../../runtime/core/version.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { ServedModel } from '../parts.ts'
import { type Asker, choose } from './choose.ts'
import { type Arm, namedBy, type Plan, planOf, resolve, rolesOf, type Slot, slotsOf } from './plan.ts'
import { type PreparedOptions, preparedVersions } from './prepared.ts'
import type { Routing } from './routing.ts'
import type { Serving } from './serving.ts'
import { type Copying, type View, viewOf } from './view.ts'

export interface ModelOptions extends PreparedOptions {
	readonly catalog: Pick<Catalog, 'channel' | 'manifest'>
	/** The routing as it is now; the same object as long as it has not changed. */
	routing(): Routing | Promise<Routing>
	/** What is not the caller's fault, for who looks after the edge. */
	tell(fault: string): void
	/** Takes over a version that no call will ask for again. */
	retire(serving: Serving): void
	/** Told of each copy that shadow traffic made. */
	compared: Copying['told']
}

/** How a version stands. */
export interface StandingVersion {
	readonly serving: Serving
	/** What it has to do: `current`, `weight 5 of 100`, `label canary`, `shadow`, … */
	readonly roles: readonly string[]
}

export interface ModelVersions {
	/** The version that answers a call; undefined when there is none that will do, or no model. */
	get(asked?: string, asker?: Asker): Promise<ServedModel | undefined>
	/** The version that answers most calls. */
	main(): Promise<Serving | undefined>
	/** What answers all calls that ask for no version, as long as neither of the two changes; undefined where one has to be chosen. */
	fixed(): { readonly channel: Channel; readonly routing: Routing; readonly model: ServedModel } | undefined
	/** The plan as it is now; undefined when there is no model. */
	plan(): Promise<Plan | undefined>
	/** A version that the routing, a label or the channel names. @throws SpillwayError `not-found`. */
	named(text: string): Promise<Serving>
	/** The one that answered before the one that answers now, where it is known; else the newest before it. */
	previous(): Promise<Published | undefined>
	/** All that are here, with their roles. */
	standing(): Promise<readonly StandingVersion[]>
	/** Has every place of the routing taken by the version that is wanted there, as far as it can be. @throws SpillwayError why one cannot. */
	settled(): Promise<void>
	dispose(): Promise<void>
}

/**
 * Makes the versions of a model. When a channel or the routing names another version for a place, that one is loaded beside the first and takes
 * over when it is ready: a version that fails its golden check never does, and the last good one goes on.
 *
 * Keeps settled values only, so that requests on workerd never wait for one another.
 */
export function modelVersions(options: ModelOptions): ModelVersions {
	const { name, config, catalog, tell } = options
	const servings = preparedVersions(options, {
		isKept: (digest) => isKept(digest),
		isCurrent: (digest) => plan?.channel.manifest === digest,
	})
	const { prepare } = servings
	let plan: Plan | undefined
	/** Whom the one that answers most calls took over from. */
	let before: Serving | undefined
	/** Why a version cannot be had that another one stands in for. */
	let fault: string | undefined

	async function update(): Promise<Plan | undefined> {
		const packed = await catalog.channel(name)
		const routing = await options.routing()
		if (packed && (plan?.channel !== packed.channel || plan.routing !== routing)) {
			plan = planOf(packed.channel, routing, plan)
			for (const text of plan.missing) tell(`its routing names ${text}, which is not published: ${listed(plan)}`)
			sweep()
		}
		return plan
	}

	/** The version that answers in a place. The wanted one takes over when it can. */
	async function taken(slot: Slot): Promise<Serving> {
		const { wanted, now } = slot
		if (now && (!wanted || now.digest === wanted.manifest)) return now
		const next = await nextFor(wanted as Published, now)
		if (next === now || (now && !(await next.able()))) return now as Serving
		// Another request may have done the same meanwhile.
		if (slot.now !== next) {
			if (slot === plan?.arms[0].slot && now) leave(now)
			slot.now = next
			fault = undefined
			sweep()
		}
		return next
	}

	/** The wanted version; where it cannot be had, the one that is there. */
	async function nextFor({ manifest }: Pick<Published, 'manifest'>, now: Serving | undefined): Promise<Serving> {
		try {
			return await prepare(manifest)
		} catch (error) {
			if (!now) throw error
			// Once, not at each call.
			if (fault !== messageOf(error)) tell(messageOf(error))
			fault = messageOf(error)
			return now
		}
	}

	/** It may be gone back to at once; the one before it not any more. */
	function leave(last: Serving): void {
		if (before && before !== last && !isKept(before.digest)) before.unload().catch((error) => console.error(`${name}:`, error))
		before = last
	}

	/** Whether a place of the routing is, or will be, its own. */
	const isKept = (digest: string | null): boolean =>
		!!plan && slotsOf(plan).some(({ wanted, now }) => wanted?.manifest === digest || now?.digest === digest)

	/** Retires what nobody can ask for any more. */
	function sweep(): void {
		if (!plan) return
		const named = new Set(namedBy(plan.channel).map(({ manifest }) => manifest))
		for (const [digest, serving] of servings.made) {
			if (named.has(digest) || isKept(digest) || serving === before) continue
			servings.made.delete(digest)
			options.retire(serving)
		}
	}

	async function get(asked: string | undefined, asker: Asker): Promise<ServedModel | undefined> {
		const now = await update()
		if (!now) return undefined
		if (asked === undefined) return byRoute(now, asker)
		const label = now.labels.get(asked)
		if (label) return label.wanted || label.now ? shown(now, { id: asked, weight: 0, slot: label }, `label ${asked}`) : undefined
		// Who answers already comes first, where it will do.
		for (const { slot } of now.arms) {
			if (!slot.now && slot.wanted?.version && !satisfies(slot.wanted.version, asked)) continue
			const serving = await taken(slot)
			if (satisfies(serving.version, asked)) return serving
		}
		const found = published(now.channel, asked)
		return found && prepare(found.manifest)
	}

	/** Those that have been loaded here. */
	const proven = new WeakSet<Serving>()

	/** After a restart there is no last good version: for one that cannot be loaded the newest of the others answers that can. */
	async function prove({ channel }: Plan, slot: Slot, serving: Serving): Promise<void> {
		if (proven.has(serving)) return
		const state = (await serving.standing())?.state ?? 'ready'
		if (state === 'ready') proven.add(serving)
		if (state !== 'failed' || serving.digest !== slot.wanted?.manifest || (await serving.able())) return
		for (const { manifest } of namedBy(channel)) {
			if (manifest === serving.digest) continue
			const other = await nextFor({ manifest }, serving)
			if (other === serving) continue
			if (await other.able()) {
				if (slot.now === serving) slot.now = other
				return
			}
			// It may be there soon.
			if ((await other.standing())?.state !== 'failed') return
		}
	}

	async function byRoute(now: Plan, { key, trace, space }: Asker): Promise<ServedModel | undefined> {
		const { arms, routing } = now
		if (space !== undefined) {
			const own = await inSpace(now, space)
			if (own) return own
		}
		const alike = routing.by === 'key' ? key : routing.by === 'trace' ? trace : undefined
		const arm = arms.length === 1 ? arms[0] : choose(arms, alike && `${name}\n${alike}`)
		await prove(now, arm.slot, await taken(arm.slot))
		const sum = arms.reduce((all, { weight }) => all + weight, 0)
		const why = routing.split && `weight ${arm.weight} of ${sum}${alike === undefined ? '' : ` by ${routing.by}`}`
		return shown(now, arm, why)
	}

	/** Who asks for a space is not sent to a version of another one. */
	async function inSpace({ channel, arms }: Plan, space: string): Promise<Serving | undefined> {
		const digest = /@([0-9a-f]{64})\//.exec(space)?.[1]
		if (digest === undefined || arms[0].slot.now?.digest === digest) return undefined
		const known = servings.made.get(digest)
		if (known) return known
		return namedBy(channel).some(({ manifest }) => manifest === digest) ? prepare(digest) : undefined
	}

	/** Made once for each version that stands in a place. */
	const views = new WeakMap<Slot, View>()

	async function shown(now: Plan, { slot, id }: Arm, why: string | undefined): Promise<ServedModel> {
		const serving = await taken(slot)
		let view = views.get(slot)
		if (view?.serving !== serving) {
			view = viewOf(serving, copying(now))
			views.set(slot, view)
		}
		const standIn = slot.wanted && slot.wanted.manifest !== serving.digest ? `; ${id} (${slot.wanted.version}) is not ready` : ''
		return view.because(why && why + standIn)
	}

	function copying({ shadow }: Plan): Copying | undefined {
		if (!shadow) return undefined
		const { share, tolerance, slot } = shadow
		const other = async () => (slot.wanted || slot.now ? taken(slot) : undefined)
		return { share, tolerance, other, provider: options.provider, told: options.compared }
	}

	const listed = ({ channel }: Plan): string =>
		namedBy(channel)
			.map(({ version }) => version)
			.join(', ')

	return {
		get: (asked, asker = {}) => get(asked, asker),
		async main() {
			const now = await update()
			return now && taken(now.arms[0].slot)
		},
		fixed() {
			const [{ slot }, ...others] = plan?.arms ?? [{ slot: undefined }]
			const view = slot && others.length === 0 && slot.now?.digest === slot.wanted?.manifest ? views.get(slot) : undefined
			return plan && view && proven.has(view.serving) ? { channel: plan.channel, routing: plan.routing, model: view.last() } : undefined
		},
		plan: update,
		async named(text) {
			const now = await update()
			const found = now && resolve(now.channel, now.routing, text)
			if (!found) throw new SpillwayError('not-found', `${name} has no version ${text}; published are ${now ? listed(now) : 'none'}`)
			return prepare(found.manifest)
		},
		async previous() {
			const now = await update()
			const main = now && (await taken(now.arms[0].slot))
			if (before && before !== main) return { version: before.version, manifest: before.digest as string }
			return now && namedBy(now.channel).find(({ manifest }) => manifest !== main?.digest)
		},
		async standing() {
			const now = await update()
			return now ? [...servings.made.values()].map((serving) => ({ serving, roles: rolesOf(now, serving) })) : []
		},
		async settled() {
			const now = await update()
			// One after the other: loading is work for all processors.
			for (const slot of now ? slotsOf(now) : []) {
				if (!slot.wanted) continue
				if (config.load === 'start') await (await prepare(slot.wanted.manifest)).loaded()
				await taken(slot)
			}
		},
		async dispose() {
			await Promise.all([...servings.made.values()].map(({ executor }) => executor.dispose()))
		},
	}
}
