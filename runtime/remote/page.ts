// `edge.js`: the executor for an edge as pages use it, loaded beside the entry.

import type { Executor } from '../core/executor.ts'
import { edgeExecutor } from './edge.ts'

/** Whether there is a network, as far as the browser knows; outside of a page there is. */
const online = () => globalThis.navigator?.onLine !== false

/** Makes the executor `edge`. That the network has come back is known at once, not found out by waiting. */
export function edgeOfPage(address: string, key: string | undefined): Executor {
	const edge = edgeExecutor({ name: 'edge', address, key, online })
	globalThis.addEventListener?.('online', edge.reset)
	return {
		...edge,
		async dispose() {
			globalThis.removeEventListener?.('online', edge.reset)
			await edge.dispose()
		},
	}
}
