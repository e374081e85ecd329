// The latest spans of pages and of this edge: behind an interface because on workerd they live in a Durable Object.

import type { Provenance } from '../../runtime/core/call.ts'
import type { ReceivedReport } from './schema.ts'

/** One call or load, as it is kept. */
export interface Span {
	/** Who saw it. */
	readonly by: 'page' | 'edge'
	/** 32 and 16 hexadecimal digits. */
	readonly trace: string
	readonly span: string
	readonly parent?: string | undefined
	readonly name: string
	/** Milliseconds since 1970 by this edge's clock. */
	readonly start: number
	/** Milliseconds. */
	readonly duration: number
	readonly attributes: Readonly<Record<string, string | number | readonly string[]>>
	/** The error's code. */
	readonly error?: string | undefined
}

/** Keeps the latest spans. One for all that share the state behind it. */
export interface Spans {
	add(spans: readonly Span[]): void | Promise<void>
	/** Oldest first. */
	latest(): readonly Span[] | Promise<readonly Span[]>
}

/** Spans that are kept: half a megabyte. */
const mostKept = 1000

/** Spans in this process's (or Durable Object's) memory. */
export function memorySpans(most: number = mostKept): Spans {
	let kept: readonly Span[] = []
	return {
		add(spans) {
			kept = [...kept, ...spans].slice(-most)
		},
		latest: () => kept,
	}
}

/** Milliseconds from now beyond which no call was: the times that OTLP can tell end, and one span beyond would spoil all. */
const farthest = 31 * 86_400_000

/** A page's clock that differs by less is taken to be right: the difference is the way. */
const trusted = 2_000

/**
 * The spans of a page's report, by the edge's clock; without those that cannot have been.
 *
 * @param arrived milliseconds since 1970 by this edge's clock.
 */
export function spansOf({ sentAt, spans, version, build }: ReceivedReport, arrived: number): Span[] {
	const skew = arrived - sentAt
	const mend = Math.abs(skew) < trusted ? 0 : skew
	const near = spans.filter(({ start }) => Math.abs(start + mend - arrived) < farthest)
	return near.map(({ trace, span, operation, model, start, duration, overflow = [], error, ...facts }) => ({
		by: 'page',
		trace,
		span,
		name: `${operation} ${model}`,
		start: start + mend,
		duration,
		attributes: {
			...attributesOf({ model, operation, ...facts }, overflow),
			'service.version': version,
			'user_agent.name': build,
		},
		error,
	}))
}

/** What is known of a call, by name. */
export function attributesOf(
	facts: Readonly<Record<string, string | number | null | undefined>>,
	overflow: readonly { readonly executor: string; readonly reason: string }[],
): Span['attributes'] {
	const known = Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== null && fact[1] !== undefined)
	const passed = overflow.map(({ executor, reason }) => `${executor}: ${reason}`)
	return {
		...Object.fromEntries(known.map(([name, value]) => [`spillway.${name}`, value])),
		...(passed.length > 0 && { 'spillway.overflow': passed }),
	}
}

/** What the edge itself knows of an answer. */
export const attributesOfAnswer = ({ model, executor, provider, version, variant, queue, run, batch, hops, overflow }: Provenance) =>
	attributesOf({ model, executor, provider, version, variant, queue, run, batch, hops }, overflow)
