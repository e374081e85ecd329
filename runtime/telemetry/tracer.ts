// Spans for the application's own OpenTelemetry. Attributes have the names of its semantic conventions where there are any
// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), else `spillway.*`.

import type { CallObservation, LoadObservation } from './observation.ts'
import type { Tracer } from './options.ts'
import type { Timeline } from './timeline.ts'

type Attributes = Record<string, string | number | boolean | string[]>

/** `SpanStatusCode.ERROR`. */
const failed = 2

/** In the words of the conventions. */
const operationNames: Partial<Record<CallObservation['operation'], string>> = { embed: 'embeddings', generate: 'chat' }

/** The span of a call, which began with it, gets its name, attributes and end. */
export function endCallSpan({ operation, model, ran, error, span }: CallObservation, at: number, edge: string | undefined): void {
	if (!span) return
	const words = operationNames[operation] ?? operation
	span.updateName(`${words} ${model}`)
	span.setAttributes({
		...(operation !== 'infer' && { 'gen_ai.operation.name': words, 'gen_ai.provider.name': 'spillway' }),
		'gen_ai.request.model': model,
		'spillway.operation': operation,
	})
	if (ran) {
		const { executor, provider, variant, version, space, queue, run, batch, hops, overflow } = ran
		span.setAttributes({
			'gen_ai.response.model': version === null ? model : `${model}@${version}`,
			...(hops > 0 && edge !== undefined && serverOf(edge)),
			...told({ executor, provider, variant, version, space, queue, run, batch, hops }),
			'spillway.overflow': overflow.map(({ executor, reason }) => `${executor}: ${reason}`),
		})
	}
	if (error) {
		span.setAttributes({ 'error.type': error })
		span.setStatus({ code: failed, message: error })
	}
	span.end(performance.timeOrigin + at)
}

/** A load becomes known at its end. */
export function traceLoad(tracer: Tracer, { model, start, error }: LoadObservation, at: number, timeline: Timeline): void {
	const span = tracer.startSpan(`load ${model}`, { startTime: performance.timeOrigin + start })
	const { phases, downloaded, stored } = timeline
	span.setAttributes({
		'gen_ai.request.model': model,
		'spillway.operation': 'load',
		...told({ downloaded, stored }),
		...Object.fromEntries(phases.map(({ phase, time }) => [`spillway.load.${phase}`, time])),
	})
	if (error) {
		span.setAttributes({ 'error.type': error })
		span.setStatus({ code: failed, message: error })
	}
	span.end(performance.timeOrigin + at)
}

/** Who answered, when it was not this device. */
function serverOf(edge: string): Attributes {
	const { hostname, port, protocol } = new URL(edge)
	return { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) }
}

/** What is known, under `spillway.`. */
function told(facts: Record<string, string | number | null>): Attributes {
	const known = Object.entries(facts).filter((fact): fact is [string, string | number] => fact[1] !== null)
	return Object.fromEntries(known.map(([name, value]) => [`spillway.${name}`, value]))
}
