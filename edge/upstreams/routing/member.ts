// One of several upstreams that answer for the same model.

import type { Context, Executor } from '../../../runtime/core/executor.ts'
import type { UpstreamLoad } from './load.ts'

export interface Member {
	readonly executor: Executor
	/** What its upstream has to do. */
	readonly load: Pick<UpstreamLoad, 'inFlight' | 'waiting' | 'limit' | 'expect' | 'answered' | 'answeredAt'>
	/** What a call costs there; 0 where that is not said. */
	readonly cost: number
	/** The variant that it runs; undefined where that is not known. Parts of one call are answered by one variant only. */
	readonly variant: string | undefined
	/** Asks whether it is up, where that is not known from its answers; at once, without waiting for the answer. */
	check(keep: Context['keep']): void
}
