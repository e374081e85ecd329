// Retries as a share of calls: what is down must not be asked three times as often as what is up.

import type { RetryBudget } from '../../../runtime/core/executor.ts'

/** Retries that each call allows to all. */
const share = 0.2

/** Retries that there are at the start, and at most: all that were under way when an upstream died are done again elsewhere. */
const first = 100
const most = 1_000

/** Retries in a second that are there whatever the calls. */
const always = 10

export interface SharedRetries {
	/** A call begins. @returns its own budget, of which no more is spent than there is for all. */
	call(own: RetryBudget): RetryBudget
}

export function sharedRetries(): SharedRetries {
	let left = first
	let at = performance.now()

	/** Only when it matters: on workerd to know the time costs more than the rest. */
	function refill(): void {
		const then = at
		at = performance.now()
		left = Math.min(most, left + ((at - then) / 1000) * always)
	}

	return {
		call(own) {
			left = Math.min(most, left + share)
			return {
				get left() {
					if (left < own.left) refill()
					return Math.min(own.left, Math.floor(left))
				},
				set left(value) {
					const spent = Math.max(0, this.left - value)
					if (spent === 0) return
					// What there is room for only once this is spent was not saved up before.
					refill()
					left -= spent
					own.left = Math.max(0, own.left - spent)
				},
			}
		},
	}
}
