// What a request to an edge, or to a server that may be one, says of its call besides what it is.

import type { Context } from '../core/executor.ts'

/**
 * @param context `remaining` is what is left at the moment of sending.
 * @param key sent as `Authorization: Bearer`.
 * @param space that the answer must be in.
 */
export const callHeaders = (
	{ remaining, hops, retries, trace, priority }: Context,
	key?: string,
	space?: string,
): Record<string, string> => ({
	'spillway-time-left': `${Math.max(1, Math.floor(remaining))}`,
	// Two edges that are each other's upstream must not go round in circles.
	'spillway-hops': `${hops + 1}`,
	'spillway-retries': `${retries.left}`,
	traceparent: trace,
	...(priority !== undefined && { 'spillway-priority': priority }),
	...(key !== undefined && { authorization: `Bearer ${key}` }),
	...(space !== undefined && { 'spillway-space': space }),
})
