// Load shedding: what would wait too long is refused before it is queued, with the time to come back.

import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor, Priority, Wrap } from '../../../runtime/core/executor.ts'
import { estimate } from '../../../runtime/overflow/plan.ts'
import { Leases } from '../../guard/leases.ts'

export interface SheddingOptions {
	/** Calls under way at a time, those that wait included. */
	readonly callsPerModel: number
	/** Milliseconds that a call may wait; half of that for calls of normal, a quarter for calls of low priority. */
	readonly longestWait: number
}

/** Calls of high priority are served when others are refused already. */
const shares: Record<Priority, number> = { high: 1, normal: 1 / 2, low: 1 / 4 }

/** Share of the time left, beside what the call itself takes, that it may be expected to wait: nobody knows exactly, and late is in vain. */
const cautious = 1 / 2

/** With fewer calls under way nothing is refused: estimates may be wrong, and cost time. */
const fewest = 8

/**
 * Refuses calls that are expected to wait longer than they may, or than they have time for; no more are under way at a time than are
 * allowed, so that memory is bounded.
 *
 * Errors, beside the executor's own: `unavailable`, with `retryAfter`: when the queue will be short enough again.
 */
export const shedding =
	({ callsPerModel, longestWait }: SheddingOptions): Wrap =>
	(inner: Executor): Executor => {
		const calls = new Leases()
		const refusal = (why: string, retryAfter: number) =>
			new SpillwayError('unavailable', `too much to do: ${why}; try again later, or elsewhere`, { retryAfter: Math.max(1, retryAfter) })

		return {
			...inner,
			async infer(call, context) {
				const underWay = calls.countUpTo(callsPerModel)
				if (underWay >= fewest) {
					const { can, queue, run } = estimate(inner, call)
					if (underWay >= callsPerModel) throw refusal(`${underWay} calls to ${call.model.name} are under way`, queue || 1_000)
					const allowed = Math.min(longestWait * shares[context.priority ?? 'normal'], (context.remaining - run) * cautious)
					if (can === 'now' && queue > 0 && queue > allowed)
						throw refusal(
							`the call to ${call.model.name} would wait ${Math.round(queue)} ms, and may ${Math.max(0, Math.round(allowed))}`,
							queue - allowed,
						)
				}
				const lease = calls.begin(context.remaining)
				try {
					return await inner.infer(call, context)
				} finally {
					calls.end(lease)
				}
			},
		}
	}
