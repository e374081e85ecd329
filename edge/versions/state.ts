// What the admin API has changed: the routing of each model, what it was before, and who did it. Plain data, kept by one of several stores.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { Routing } from './routing.ts'

/** A change that was made. */
export interface AuditEntry {
	/** Counts the changes. */
	readonly revision: number
	/** Milliseconds since 1970. */
	readonly at: number
	/** Id of the key. */
	readonly by: string
	readonly action: 'route' | 'clear' | 'roll-back' | 'load' | 'unload'
	readonly model: string
	/** The routing before and after; null stands for the configuration's. Absent for actions that change none. */
	readonly before?: Routing | null
	readonly after?: Routing | null
	/** The version that was loaded or unloaded. */
	readonly version?: string
}

/** One model's. */
export interface ModelRoutes {
	/** Null: as configured. */
	readonly routing: Routing | null
	/** What it was before, the latest last. */
	readonly before: readonly (Routing | null)[]
	/** Digest of the manifest that the channel named when it was changed last. */
	readonly manifest: string | null
	/** It is the version before one that the channel moved to. */
	readonly pinned: boolean
}

export interface RouteState {
	/** Grows with each change. */
	readonly revision: number
	readonly models: Readonly<Record<string, ModelRoutes>>
	/** The latest changes, the latest last. */
	readonly audit: readonly AuditEntry[]
}

/** A change that is asked for. */
export interface Change {
	readonly action: AuditEntry['action']
	readonly model: string
	/** Id of the key. */
	readonly by: string
	/** The new routing, of a `route`; of a `roll-back` to an earlier version: the routing that pins it. */
	readonly routing?: Routing
	readonly version?: string
	/** Digest of the manifest that the channel names. */
	readonly manifest?: string | undefined
	/** The revision that the change is made upon. Default: whichever there is. */
	readonly upon?: number | undefined
}

/** Where the state is kept. One for all that share what is behind it: processes, isolates. */
export interface RouteStore {
	/** As it was a second ago at most. */
	read(): RouteState | Promise<RouteState>
	/**
	 * Makes a change, on its own: of two that are made upon the same revision, one is refused.
	 * @throws SpillwayError `invalid-input` (status 412) when the revision is another, or when there is nothing to go back to.
	 */
	change(change: Change): Promise<RouteState>
}

export const noRoutes: RouteState = { revision: 0, models: {}, audit: [] }

/** Changes that can be taken back, for each model, and changes that are told. */
const mostBefore = 10
const mostTold = 200

/** Characters of the changes that are told: a Durable Object takes no more than 2 MB, and its isolates read all of it each second. */
const longestTold = 128 * 1024

/**
 * The state after a change.
 * @param at milliseconds since 1970.
 * @throws SpillwayError as {@link RouteStore.change}.
 */
export function applied(state: RouteState, change: Change, at: number): RouteState {
	const { action, model, by, upon, version } = change
	if (upon !== undefined && upon !== state.revision)
		throw new SpillwayError(
			'invalid-input',
			`the routes are at revision ${state.revision}, not ${upon}: look at what was changed, and ask again`,
		)
	const revision = state.revision + 1
	const told = (entry: Omit<AuditEntry, 'revision' | 'at' | 'by' | 'action' | 'model'>) =>
		latest([...state.audit, { revision, at, by, action, model, ...entry }])
	if (action === 'load' || action === 'unload') return { ...state, revision, audit: told(version === undefined ? {} : { version }) }
	const { routing: now, before } = Object.hasOwn(state.models, model) ? (state.models[model] as ModelRoutes) : { routing: null, before: [] }
	const goesBack = action === 'roll-back' && change.routing === undefined
	if (goesBack && before.length === 0)
		throw new SpillwayError('invalid-input', `the routing of ${model} has not been changed: there is nothing to go back to`)
	const routing = goesBack ? (before.at(-1) as Routing | null) : action === 'clear' ? null : (change.routing as Routing)
	const kept = goesBack ? before.slice(0, -1) : [...before, now].slice(-mostBefore)
	return {
		revision,
		models: {
			...state.models,
			[model]: { routing, before: kept, manifest: change.manifest ?? null, pinned: action === 'roll-back' && !goesBack },
		},
		audit: told({ before: now, after: routing }),
	}
}

/** The latest entries that may be told; the last one always. */
function latest(entries: readonly AuditEntry[]): AuditEntry[] {
	const lengths = entries.map((entry) => JSON.stringify(entry).length)
	let left = longestTold
	const first = lengths.findLastIndex((length, at) => {
		left -= length
		return left < 0 && at < entries.length - 1
	})
	return entries.slice(Math.max(first + 1, entries.length - mostTold))
}

/** A store in this process's (or Durable Object's) memory. */
export function memoryRoutes(begun: RouteState = noRoutes): RouteStore {
	let state = begun
	return {
		read: () => state,
		async change(change) {
			state = applied(state, change, Date.now())
			return state
		},
	}
}
