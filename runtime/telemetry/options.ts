// What an application says about telemetry, in `createRuntime({ telemetry })`.

export interface TelemetryOptions {
	/**
	 * Whether reports may be kept and sent: asked each time before that happens, so that a change of mind counts from then on. With `false`
	 * (or an error) what was recorded and kept is thrown away. Default: they may.
	 */
	consent?: (() => boolean | Promise<boolean>) | undefined
	/** Share of calls, 0 to 1, whose course is reported and whose trace is marked as sampled; figures count all calls. Default 0.1. */
	sample?: number | undefined
	/** The application's own OpenTelemetry tracer: gets a span for each call and load, under every policy. */
	tracer?: Tracer | undefined
}

/** The part of `@opentelemetry/api`'s `Tracer` that is used. */
export interface Tracer {
	startSpan(name: string, options?: { startTime?: number }): TracerSpan
}

/** The part of `@opentelemetry/api`'s `Span` that is used. */
export interface TracerSpan {
	spanContext(): { traceId: string; spanId: string; traceFlags: number }
	updateName(name: string): unknown
	setAttributes(attributes: Record<string, string | number | boolean | string[]>): unknown
	setStatus(status: { code: number; message?: string }): unknown
	end(endTime?: number): void
}
