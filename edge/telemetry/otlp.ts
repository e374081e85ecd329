// Spans in the JSON form of OTLP, which OpenTelemetry's collectors and viewers read.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

import type { Span } from './spans.ts'

/** `SpanKind` and `StatusCode`, as numbers: the encoding knows no names. */
const kinds = { page: 3, edge: 2 } as const
const failed = 2

/** A request as an OTLP exporter would send it. */
export function otlpOf(spans: readonly Span[], version: string): object {
	const by = (who: Span['by']) => spans.filter((span) => span.by === who)
	return {
		resourceSpans: (['page', 'edge'] as const)
			.filter((who) => by(who).length > 0)
			.map((who) => ({
				resource: { attributes: attributes({ 'service.name': `spillway-${who}` }) },
				scopeSpans: [{ scope: { name: 'spillway', version }, spans: by(who).map(spanOf) }],
			})),
	}
}

const spanOf = ({ by, trace, span, parent, name, start, duration, attributes: given, error }: Span) => ({
	traceId: trace,
	spanId: span,
	...(parent !== undefined && { parentSpanId: parent }),
	name,
	kind: kinds[by],
	startTimeUnixNano: nanoseconds(start),
	endTimeUnixNano: nanoseconds(start + duration),
	attributes: attributes(error === undefined ? given : { ...given, 'error.type': error }),
	...(error !== undefined && { status: { code: failed, message: error } }),
})

/** Numbers of 64 bits are text in JSON. */
const nanoseconds = (milliseconds: number): string => String(BigInt(Math.round(milliseconds * 1000)) * 1000n)

const attributes = (given: Span['attributes']) => Object.entries(given).map(([key, value]) => ({ key, value: anyValue(value) }))

function anyValue(value: Span['attributes'][string]): object {
	if (typeof value === 'string') return { stringValue: value }
	if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
	return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } }
}
