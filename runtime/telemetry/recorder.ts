// Adds up what is observed until a report is made of it. Bounded whatever the page does.

import type { Provenance } from '../core/call.ts'
import { idsOf, isSampled, traceParent } from '../core/trace.ts'
import type { CallObservation, LoadObservation } from './observation.ts'
import { makeRing } from './ring.ts'
import type { Timeline } from './timeline.ts'
import {
	type ByteFigures,
	type CallFigures,
	type ErrorFigures,
	type LoadFigures,
	longestName,
	most,
	type OverflowFigures,
	other,
	type Report,
	type ReportSpan,
} from './wire.ts'
import { batchBounds, callBounds, emptyHistogram, loadBounds, withValue } from './wire-histogram.ts'

export type Recorded = Pick<Report, 'calls' | 'loads' | 'overflow' | 'errors' | 'bytes' | 'spans'>

export interface Recorder {
	/** @param at `performance.now()` at the call's end. */
	call(observation: CallObservation, at: number): void
	/** @param timeline what its progress told. */
	load(observation: LoadObservation, at: number, timeline: Timeline): void
	/** Whether there is nothing to report. */
	readonly empty: boolean
	/** Whether the ring of spans is full: waiting longer loses some. */
	readonly full: boolean
	/** What came up since the last time. */
	take(): Recorded
}

/**
 * Figures by what they are of; when there is no room for another kind, they are added to those of `other`.
 *
 * @param rest rows that are kept free for those.
 */
function table<Figures extends object>(limit: number, rest: number) {
	let rows = new Map<string, Figures>()
	return {
		get size() {
			return rows.size
		},
		/** @param kind what the figures are of; all of it but the names is kept for those of `other`. */
		add<Kind extends Partial<Figures>>(kind: Kind, change: (before: Figures | undefined) => Omit<Figures, keyof Kind>) {
			const of = rows.has(JSON.stringify(kind)) || rows.size < limit - rest ? kind : { ...kind, ...nameless(kind) }
			const key = JSON.stringify(of)
			rows.set(key, { ...of, ...change(rows.get(key)) } as unknown as Figures)
		},
		take(): Figures[] {
			const all = [...rows.values()]
			rows = new Map()
			return all
		},
	}
}

/** Names in the place of names. */
const nameless = (kind: object): object =>
	Object.fromEntries(['model', 'executor', 'provider'].filter((name) => name in kind).map((name) => [name, other]))

const counted =
	(more: number) =>
	(before?: { readonly count: number }): { count: number } => ({ count: (before?.count ?? 0) + more })

/** Begins to record. */
export function makeRecorder(): Recorder {
	const spans = makeRing<ReportSpan>(most.spans)
	const calls = table<CallFigures>(most.calls, 1)
	const loads = table<LoadFigures>(most.loads, 4)
	const overflow = table<OverflowFigures>(most.overflow, 7)
	const errors = table<ErrorFigures>(most.errors, 75)
	const bytes = table<ByteFigures>(most.bytes, 2)

	function countAnswer(ran: Provenance, name: string, total: number) {
		const model = short(name)
		const executor = short(ran.executor)
		const provider = ran.provider === null ? null : short(ran.provider)
		calls.add({ model, executor, provider }, (before) => ({
			total: withValue(before?.total ?? emptyHistogram(callBounds), callBounds, total),
			queue: withMaybe(before?.queue, callBounds, ran.queue),
			run: withMaybe(before?.run, callBounds, ran.run),
			batch: withMaybe(before?.batch, batchBounds, ran.batch),
		}))
		for (const { executor, reason } of ran.overflow) overflow.add({ model, executor: short(executor), reason }, counted(1))
	}

	function countError(model: string, operation: ErrorFigures['operation'], code: ErrorFigures['code']) {
		errors.add({ model: short(model), operation, code }, counted(1))
	}

	return {
		call({ operation, model, trace, start, ran, error }, at) {
			if (ran) countAnswer(ran, model, positive(at - start))
			if (error) countError(model, operation, error)
			// What the application itself has called off is no failure.
			const failed = error !== undefined && error !== 'aborted' && error !== 'disposed'
			if (failed || isSampled(trace)) spans.push(spanOf(trace, { operation, model: short(model), start, at, error, ran }))
		},
		load({ model, start, error }, at, { phases, downloaded, stored }) {
			const name = short(model)
			if (error) countError(model, 'load', error)
			const took = error ? phases : [...phases, { phase: 'whole' as const, time: at - start }]
			for (const { phase, time } of took)
				loads.add({ model: name, phase }, (before) => ({
					time: withValue(before?.time ?? emptyHistogram(loadBounds), loadBounds, positive(time)),
				}))
			for (const [source, amount] of [
				['network', downloaded],
				['storage', stored],
			] as const)
				if (amount > 0) bytes.add({ model: name, source }, counted(amount))
			spans.push(spanOf(traceParent(), { operation: 'load', model: name, start, at, error }))
		},
		get empty() {
			return spans.size + calls.size + loads.size + overflow.size + errors.size + bytes.size === 0
		},
		get full() {
			return spans.size === most.spans
		},
		take: () => ({
			calls: calls.take(),
			loads: loads.take(),
			overflow: overflow.take(),
			errors: errors.take(),
			bytes: bytes.take(),
			spans: spans.take(),
		}),
	}
}

/** Names come from applications and edges: whatever those say, a report stays small. */
const short = (name: string): string => `${name}`.slice(0, longestName).replaceAll(/[^\w.+-]/g, '_')

const positive = (value: number): number => (value > 0 && Number.isFinite(value) ? value : 0)

/** To a tenth of a millisecond. */
const rounded = (milliseconds: number): number => Math.round(positive(milliseconds) * 10) / 10

const withMaybe = (before = emptyHistogram([]), bounds: readonly number[], value: number | null) => {
	const histogram = before.counts.length > 1 ? before : emptyHistogram(bounds)
	return value === null ? histogram : withValue(histogram, bounds, positive(value))
}

interface SpanFacts extends Pick<ReportSpan, 'operation' | 'model' | 'error'> {
	readonly start: number
	readonly at: number
	readonly ran?: Provenance | undefined
}

function spanOf(trace: string, { operation, model, start, at, error, ran }: SpanFacts): ReportSpan {
	return {
		...idsOf(trace),
		operation,
		model,
		start: rounded(performance.timeOrigin + start),
		duration: rounded(at - start),
		...(error && { error }),
		...(ran && {
			executor: short(ran.executor),
			...(ran.provider !== null && { provider: short(ran.provider) }),
			...(ran.version !== null && { version: short(ran.version) }),
			...(ran.variant !== null && { variant: short(ran.variant) }),
			...(ran.queue !== null && { queue: rounded(ran.queue) }),
			...(ran.run !== null && { run: rounded(ran.run) }),
			...(ran.batch !== null && { batch: Math.round(positive(ran.batch)) }),
			...(ran.overflow.length > 0 && {
				overflow: ran.overflow.slice(0, 8).map(({ executor, reason }) => ({ executor: short(executor), reason })),
			}),
		}),
	}
}
