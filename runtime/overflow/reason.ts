// Which errors another executor may cure, and what such an overflow is called.

import type { OverflowReason } from '../core/call.ts'
import type { ErrorCode, SpillwayError } from '../core/error.ts'

const reasons: Partial<Record<ErrorCode, OverflowReason>> = {
	unsupported: 'unsupported',
	'not-found': 'unsupported',
	'too-large': 'unsupported',
	environment: 'unsupported',
	'storage-full': 'memory',
	'out-of-memory': 'memory',
	'rate-limited': 'queue',
	'deadline-exceeded': 'deadline',
}

/**
 * The reason to go on to the next executor, or undefined when the fault is the caller's and would be the same everywhere.
 * That the caller has aborted or its time is up is for the loop to see: the same codes from an executor alone are curable.
 */
export const overflowReason = (error: SpillwayError): OverflowReason | undefined =>
	error.code === 'invalid-input' ? undefined : (reasons[error.code] ?? 'unhealthy')
