// What the primary process and its workers ask of one another.

import type { QuotaAnswer } from '../../../auth/quota.ts'
import type { Figures } from '../../../metrics/prometheus.ts'
import type { MetricsText } from '../../../metrics/store.ts'
import type { Span } from '../../../telemetry/spans.ts'
import type { Compared, Comparison } from '../../../versions/comparisons.ts'

/** What a worker runs with, beside its environment: the first argument of its process, as JSON. */
export interface WorkerOptions {
	readonly port: number
	readonly grpcPort?: number
	readonly modelsDir?: string
	readonly stateDir?: string
	/** How many there are: each has its part of the memory for models. */
	readonly workers?: number
}

/** Asked by a worker. */
export interface PrimaryAnswers {
	/** It listens. */
	listening(address: { url: string; grpc?: string; trust: string }): void
	/** Every model answers, or why not. */
	settled(fault?: string): void
	/** It cannot start. */
	failed(fault: string): void
	/** A sign of life. */
	alive(): void
	/** Its own figures, now and then and before its end. */
	report(figures: Figures): void
	/** The figures of all. */
	metrics(): Promise<MetricsText>
	take(key: string, perMinute: number, most?: number): QuotaAnswer | Promise<QuotaAnswer>
	first(id: string): boolean | Promise<boolean>
	trace(spans: readonly Span[]): void | Promise<void>
	latest(): readonly Span[] | Promise<readonly Span[]>
	compare(comparison: Comparison): void | Promise<void>
	compared(model: string): readonly Compared[] | Promise<readonly Compared[]>
	[other: string]: (...values: never[]) => unknown
}

/** Asked by the primary. */
export interface WorkerAnswers {
	figures(): Promise<Figures>
	/** Ends it; with `drain`, once its connections have ended by themselves, or after so many milliseconds. */
	end(drain: number): void
	[other: string]: (...values: never[]) => unknown
}
