// W3C Trace Context: https://www.w3.org/TR/trace-context/

/** A `traceparent` header's value. */
export type TraceParent = string

const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export const isTraceParent = (value: string | null | undefined): value is TraceParent => !!value && form.test(value)

/** Random words of 32 bits in hexadecimal, drawn many at a time: one by one they would cost more than all else that a call does here. */
let drawn: string[] = []

function hex(words: number): string {
	if (drawn.length < words) drawn = Array.from(crypto.getRandomValues(new Uint32Array(240)), (word) => word.toString(16).padStart(8, '0'))
	return drawn.splice(-words).join('')
}

/**
 * A new trace, or a new span of the trace that `parent` belongs to.
 * @param sampled whether a new trace is marked as recorded by who began it.
 */
export const traceParent = (parent?: TraceParent, sampled = false): TraceParent =>
	`${parent?.slice(0, 35) ?? `00-${hex(4)}`}-${hex(2)}-${parent?.slice(53) ?? `0${+sampled}`}`

/** Whether who began the trace records it (https://www.w3.org/TR/trace-context/#sampled-flag). */
export const isSampled = (trace: TraceParent): boolean => (Number.parseInt(trace.slice(53), 16) & 1) === 1

/** The trace's and the span's id: 32 and 16 hexadecimal digits. */
export const idsOf = (trace: TraceParent): { trace: string; span: string } => ({ trace: trace.slice(3, 35), span: trace.slice(36, 52) })
