// Where figures are kept. Requests report increments; one store adds them up for all (a process, or all isolates of a Durable Object).

import type { Histogram } from '../../runtime/telemetry/wire-histogram.ts'
import type { HistogramName, MetricName } from './definitions.ts'

/** What happened, as plain data: crosses from an isolate to a Durable Object. */
export type Increment =
	| {
			readonly metric: MetricName
			readonly labels: Readonly<Record<string, string>>
			/** What is added to a counter or gauge, or observed by a histogram. */
			readonly value: number
	  }
	/** Much that happened, counted in buckets of the same bounds. */
	| ({ readonly metric: HistogramName; readonly labels: Readonly<Record<string, string>> } & Histogram)

export interface MetricsText {
	readonly body: string
	readonly contentType: string
}

export interface MetricsStore {
	add(batch: readonly Increment[]): void | Promise<void>
	/** All figures in the Prometheus text format. */
	render(): MetricsText | Promise<MetricsText>
}
