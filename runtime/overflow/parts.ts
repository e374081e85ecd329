// The parts of a call's attempts: once the caller has got any of one, it is this attempt or none.

import type { Overflow, Part } from '../core/call.ts'
import { aborted } from '../core/deadline.ts'
import type { Context } from '../core/executor.ts'

export interface Parts {
	/** Whether the caller has got any. */
	readonly begun: boolean
	/**
	 * For the next attempt: hands its parts on to the caller. Those before it can not any more: who is given up may not notice at once.
	 * @param overflow the executors passed by before.
	 * @param abandoned aborts when the attempt is given up, or the call.
	 */
	next(overflow: () => readonly Overflow[], abandoned: AbortSignal): Pick<Context, 'emit'>
}

export function partsTo({ emit }: Pick<Context, 'emit'>): Parts {
	let begun = false
	let attempts = 0
	return {
		get begun() {
			return begun
		},
		next(overflow, abandoned) {
			const own = ++attempts
			const handOn = async (part: Part) => {
				if (own !== attempts || abandoned.aborted) throw aborted(abandoned)
				begun = true
				const { ran } = part
				await emit?.(ran ? { ...part, ran: { ...ran, overflow: [...overflow(), ...ran.overflow] } } : part)
			}
			return { emit: emit && handOn }
		},
	}
}
