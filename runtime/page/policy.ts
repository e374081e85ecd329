// A call may tighten the runtime's policy, never loosen it.

import { SpillwayError } from '../core/error.ts'
import type { Policy } from '../overflow/plan.ts'

/**
 * The policy of a call.
 *
 * @throws SpillwayError `invalid-input` when the call asks for more than the runtime allows.
 */
export function tighten(runtime: Policy, call: Policy = runtime): Policy {
	if (call !== runtime && (runtime !== 'prefer-device' || !['device-only', 'edge-only'].includes(call)))
		throw new SpillwayError('invalid-input', `policy: "${call}" is not part of the runtime's "${runtime}"; a call can only tighten it`)
	return call
}
