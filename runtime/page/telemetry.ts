// What a page tells of its calls and loads. What becomes of it is a file of its own, loaded when there is something to tell.

import type { Provenance } from '../core/call.ts'
import type { ErrorCode } from '../core/error.ts'
import { isTraceParent, type TraceParent, traceParent } from '../core/trace.ts'
import type { CallObservation, Observation, Observe } from '../telemetry/observation.ts'
import type { TracerSpan } from '../telemetry/options.ts'
import type * as TelemetryFile from '../telemetry/page.ts'
import { lazily } from './lazy.ts'
import type { Settings } from './options.ts'

export interface Telemetry {
	/** Told at once, with the time; never throws. Without anything to tell, there will be soon: its file begins to load. */
	tell(observation?: Observation): void
	/** Begins to watch a call. */
	watch(call: Pick<CallObservation, 'operation' | 'model' | 'policy'>): Watch
}

export interface Watch {
	/** Of the call; marked as sampled for some of them. */
	readonly trace: TraceParent
	/** To be told of its end. */
	end(ran?: Provenance, error?: ErrorCode): void
}

/** @param disposal aborts with the runtime. */
export function pageTelemetry(settings: Settings, disposal: AbortSignal): Telemetry {
	const { telemetry, assets } = settings
	let observing: Promise<Observe> | undefined

	function tell(observation?: Observation) {
		if (!telemetry) return
		const at = performance.now()
		observing ??= lazily<typeof TelemetryFile>(assets.telemetry)().then((file) => file.startTelemetry(settings, disposal))
		// Without the file nothing is told, once and for all.
		observing.then((observe) => observation && observe(observation, at)).catch(() => {})
	}

	return {
		tell,
		watch(call) {
			tell()
			const { tracer, sample = 0.1 } = telemetry || { sample: 0 }
			let span: TracerSpan | undefined
			let trace = ''
			try {
				span = tracer?.startSpan(`spillway ${call.model}`)
				const { traceId, spanId, traceFlags = 0 } = span?.spanContext() ?? {}
				trace = `00-${traceId}-${spanId}-0${traceFlags & 1}`
			} catch {
				// A tracer's fault is no call's.
			}
			// One without a provider has ids of zeros.
			if (!isTraceParent(trace)) trace = traceParent(undefined, Math.random() < sample)
			const start = performance.now()
			return { trace, end: (ran, error) => tell({ type: 'call', ...call, trace, span, start, ran, error }) }
		},
	}
}
