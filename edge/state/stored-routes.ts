// Changed routes in the storage of a Durable Object.

import { applied, noRoutes, type RouteState, type RouteStore } from '../versions/state.ts'

/** The part of a Durable Object's storage that is used. */
export interface ObjectStorage {
	get(key: string): Promise<unknown>
	put(key: string, value: unknown): Promise<void>
}

const key = 'routes'

/** Nothing is awaited between the last look and the change: requests of an object may overlap. */
export function storedRoutes(storage: ObjectStorage): RouteStore {
	let state: RouteState | undefined
	const read = async () => {
		const stored = state ?? ((await storage.get(key)) as RouteState | undefined)
		state ??= stored ?? noRoutes
		return state
	}
	return {
		read,
		async change(change) {
			await read()
			const next = applied(state as RouteState, change, Date.now())
			state = next
			try {
				await storage.put(key, next)
			} catch (error) {
				// What is stored is what counts.
				state = undefined
				throw error
			}
			return next
		},
	}
}
