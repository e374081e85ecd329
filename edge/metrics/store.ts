// Where figures are kept. Requests report increments; one store adds them up for all (a process, or all isolates of a Durable Object).

import type { MetricName } from './definitions.ts'

/** One thing that happened, as plain data: crosses from an isolate to a Durable Object. */
export interface Increment {
	readonly metric: MetricName
	readonly labels: Readonly<Record<string, string>>
	/** What is added to a counter or gauge, or observed by a histogram. */
	readonly value: number
}

export interface MetricsText {
	readonly body: string
	readonly contentType: string
}

export interface MetricsStore {
	add(batch: readonly Increment[]): void | Promise<void>
	/** All figures in the Prometheus text format. */
	render(): MetricsText | Promise<MetricsText>
}
