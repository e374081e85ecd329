// How long a call will take, from what was measured: the same rule in the page and in the engine.

import type { Call } from '../core/call.ts'
import type { Estimate } from '../core/executor.ts'
import type { Pace, StateMessage } from './protocol.ts'

/** Tokens that a text is likely to make, special tokens included. */
export const likelyTokens = (text: string, pace: Pick<Pace, 'charactersPerToken' | 'maxTokens'>): number =>
	Math.min(pace.maxTokens, 2 + Math.ceil(text.length / pace.charactersPerToken))

/** The state's estimate, made to fit the call's size. */
export function estimateFor(state: Pick<StateMessage, 'estimate' | 'pace'>, call: Call): Estimate {
	const { estimate, pace } = state
	if (estimate.can !== 'now' || pace === null || call.kind !== 'task') return estimate
	const tokens = call.input.reduce((sum, text) => sum + likelyTokens(text, pace), 0)
	return { ...estimate, run: pace.fixed * Math.max(1, call.input.length) + pace.perToken * tokens }
}
