// W3C Trace Context: https://www.w3.org/TR/trace-context/

/** A `traceparent` header's value. */
export type TraceParent = string

const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

export const isTraceParent = (value: string | null | undefined): value is TraceParent => !!value && form.test(value)

/** Every byte in hexadecimal. */
const digits = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => (byte + 256).toString(16).slice(1))

/** Random bytes, drawn many at a time: one by one they would cost more than all else that a call does here. */
const drawn = new Uint8Array(960)
let used = 0

function hex(bytes: number): string {
	let text = ''
	while (bytes--) {
		used %= drawn.length
		if (!used) crypto.getRandomValues(drawn)
		text += digits[drawn[used++] as number]
	}
	return text
}

/**
 * A new trace, or a new span of the trace that `parent` belongs to.
 * @param sampled whether a new trace is marked as recorded by who began it.
 */
export const traceParent = (parent?: TraceParent, sampled = false): TraceParent =>
	`${parent?.slice(0, 35) ?? `00-${hex(16)}`}-${hex(8)}-${parent?.slice(53) ?? `0${+sampled}`}`

/** Whether who began the trace records it (https://www.w3.org/TR/trace-context/#sampled-flag). */
export const isSampled = (trace: TraceParent): boolean => (Number.parseInt(trace.slice(53), 16) & 1) === 1

/** The trace's and the span's id: 32 and 16 hexadecimal digits. */
export const idsOf = (trace: TraceParent): { trace: string; span: string } => ({ trace: trace.slice(3, 35), span: trace.slice(36, 52) })
