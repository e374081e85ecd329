// `edge.js`: the executor for an edge as pages use it, loaded beside the entry.

import type { Executor } from '../core/executor.ts'
import { edgeExecutor } from './edge.ts'

/** Whether there is a network, as far as the browser knows; outside of a page there is. */
const online = () => globalThis.navigator?.onLine !== false

/** Makes the executor `edge`. */
export const edgeOfPage = (address: string, key: string | undefined): Executor => edgeExecutor({ name: 'edge', address, key, online })
