// What a request says about its call: time left, hops, retries, priority, trace. Becomes the executor's context.

import { startClock } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context as CallContext, Priority } from '../../runtime/core/executor.ts'
import { isTraceParent, traceParent } from '../../runtime/core/trace.ts'
import type { Limits } from '../config/schema.ts'
import type { Around, EdgeContext } from '../env.ts'
import type { EdgeParts } from '../parts.ts'

/** Milliseconds that the caller gives; `limits.deadline` when it does not say, never more than `limits.maxDeadline`. */
const timeLeftOf = (request: Request, limits: Limits): number =>
	Math.min(integerOf(request, 'spillway-time-left') ?? limits.deadline, limits.maxDeadline)

/** Middleware: the time of a call counts from the first byte on. */
export const underDeadline =
	({ config: { limits } }: Pick<EdgeParts, 'config'>): Around =>
	(c, next) => {
		c.set('remaining', startClock(timeLeftOf(c.req.raw, limits)))
		return next()
	}

/**
 * The context of a call that came over HTTP. `Spillway-Hops` counts the hop that ends here; without it, this is the first.
 *
 * @throws SpillwayError `malformed` for a header that is no whole number or no priority; `unsupported` (status 508) past `limits.hops`.
 */
export function callContextOf(c: EdgeContext, limits: Limits): CallContext {
	const request = c.req.raw
	const hops = integerOf(request, 'spillway-hops') ?? 1
	checkHops(c, hops, limits)
	const retries = Math.min(integerOf(request, 'spillway-retries') ?? limits.retries, limits.retries)
	const parent = request.headers.get('traceparent')
	const trace = traceParent(isTraceParent(parent) ? parent : undefined)
	c.set('trace', trace)
	return {
		remaining: c.get('remaining')(),
		signal: request.signal,
		hops,
		retries: { left: retries },
		trace,
		priority: priorityOf(request),
		keep: c.get('keep'),
	}
}

/**
 * Retries that the caller has left, of those it said it had: this edge may have been given fewer by its limits, and spends of its own.
 *
 * @param spent here and behind.
 */
export const retriesLeftOf = (request: Request, limits: Limits, spent: number): number =>
	Math.max(0, (integerOf(request, 'spillway-retries') ?? limits.retries) - spent)

/**
 * Hops behind a probe; without the header none.
 * @throws SpillwayError as {@link callContextOf}: edges that are each other's upstream must not ask in circles.
 */
export function probeHopsOf(c: EdgeContext, limits: Limits): number {
	const hops = integerOf(c.req.raw, 'spillway-hops') ?? 0
	checkHops(c, hops, limits)
	return hops
}

function checkHops(c: EdgeContext, hops: number, limits: Limits): void {
	if (hops <= limits.hops) return
	c.set('status', 508)
	throw new SpillwayError(
		'unsupported',
		`the call has ${hops} hops behind it, ${limits.hops} are allowed: are two edges each other's upstream?`,
	)
}

function priorityOf(request: Request): Priority | undefined {
	const value = request.headers.get('spillway-priority') ?? undefined
	if (value === undefined || value === 'high' || value === 'normal' || value === 'low') return value
	throw new SpillwayError('malformed', `spillway-priority must be high, normal or low, not "${value.slice(0, 40)}"`)
}

function integerOf(request: Request, name: string): number | undefined {
	const value = request.headers.get(name)
	if (value === null) return undefined
	if (!/^\d{1,15}$/.test(value)) throw new SpillwayError('malformed', `${name} must be a whole number, not "${value.slice(0, 40)}"`)
	return Number(value)
}
