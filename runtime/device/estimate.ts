// How long a call will take on the device: the same rule in the page and in the engine.

import type { Call, EmbedCall } from '../core/call.ts'
import type { Estimate } from '../core/executor.ts'
import { likelyTime } from '../tasks/pace.ts'
import type { StateMessage } from './protocol.ts'

/** The state's estimate, made to fit the call's size: tensors, or texts. */
export function estimateFor({ estimate, pace }: Pick<StateMessage, 'estimate' | 'pace'>, call: Call): Estimate {
	return estimate.can === 'now' && pace && call.kind === 'task'
		? { ...estimate, run: likelyTime((call as EmbedCall).input, pace) }
		: estimate
}
