// Who asks, for what chooses among the versions of a model.

import { idsOf, isTraceParent } from '../../runtime/core/trace.ts'
import type { EdgeContext } from '../env.ts'
import type { Asker } from '../versions/choose.ts'

/** @param space the vector space that the answer must be in. Default: that of the request's header. */
export function askerOf(c: EdgeContext, space = c.req.header('spillway-space')): Asker {
	const trace = c.req.header('traceparent')
	return { key: c.get('key')?.id, trace: isTraceParent(trace) ? idsOf(trace).trace : undefined, space }
}
