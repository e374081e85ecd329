// Middleware: keeps a span of each call whose caller records its trace, so that the two join.

import { idsOf, isSampled, isTraceParent, type TraceParent } from '../../runtime/core/trace.ts'
import type { Around, EdgeContext } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { attributesOfAnswer, type Span } from './spans.ts'

export const traced =
	({ spans, keep }: Pick<EdgeParts, 'spans' | 'keep'>): Around =>
	async (c, next) => {
		const parent = c.req.header('traceparent')
		if (!isTraceParent(parent) || !isSampled(parent)) return next()
		const start = Date.now()
		const began = performance.now()
		await next()
		const trace = c.get('trace')
		if (trace === undefined) return
		const kept = Promise.resolve(c.get('ended'))
			.then(() => spans.add([spanOf(c, trace, start, performance.now() - began)]))
			// Spans that cannot be kept cost no answers.
			.catch((error) => console.error('spans:', error))
		keep?.(c, kept)
	}

function spanOf(c: EdgeContext, trace: TraceParent, start: number, duration: number): Span {
	const protocol = c.get('area').name
	const ran = c.get('ran')
	return {
		by: 'edge',
		...idsOf(trace),
		// That it is well formed is known from the trace, which would not be sampled otherwise.
		parent: idsOf(c.req.header('traceparent') ?? '').span,
		name: ran ? `${protocol} ${ran.model}` : protocol,
		start,
		duration,
		attributes: ran ? attributesOfAnswer(ran) : {},
		error: c.get('error'),
	}
}
