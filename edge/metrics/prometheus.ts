// A metrics store on prom-client: in the process on Node, inside a Durable Object on workerd.

import { Counter, Gauge, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client'
import { type Definition, definitions, type MetricName } from './definitions.ts'
import { gathered } from './gathered.ts'
import { type CountedHistogram, countedHistogram } from './histogram.ts'
import type { MetricsStore } from './store.ts'

/** All figures of a store as plain data: crosses from one process to another. */
export type Figures = MetricObjectWithValues<MetricValue<string>>[]

/** A store whose figures can be added to those of others. */
export interface FiguresStore extends MetricsStore {
	figures(): Promise<Figures>
}

/**
 * @param build what `spillway_build_info` tells.
 * @param inFlight whether the store sees the end of every request. On workerd a request whose client leaves is cut off without one, and a
 *   gauge of requests in flight would only grow; leave it out there.
 */
export function prometheusStore(build: { version: string; platform: string }, { inFlight = true } = {}): FiguresStore {
	const registry = new Registry()
	const metrics = new Map<MetricName, (labels: Record<string, string>, value: number) => void>()
	const histograms = new Map<MetricName, CountedHistogram>()
	for (const [name, { type, help, labels, buckets = [] }] of Object.entries<Definition>(definitions)) {
		if (name === 'spillway_http_requests_in_flight' && !inFlight) continue
		const options = { name, help, labelNames: [...labels] as string[], registers: [registry] }
		if (type === 'counter') {
			const counter = new Counter(options)
			metrics.set(name as MetricName, (given, value) => counter.inc(given, value))
		} else if (type === 'gauge') {
			// Of several processes one tells what they are.
			const gauge = new Gauge({ ...options, aggregator: name === 'spillway_build_info' ? 'first' : 'sum' })
			metrics.set(name as MetricName, (given, value) => gauge.inc(given, value))
		} else {
			const histogram = countedHistogram(name, help, buckets)
			histograms.set(name as MetricName, histogram)
			registry.registerMetric(histogram.metric)
		}
	}
	metrics.get('spillway_build_info')?.({ ...build }, 1)
	const { add, take } = gathered()

	/** The registry with all that has come. */
	function upToDate(): Registry {
		for (const increment of take()) {
			// Not changed there.
			const labels = increment.labels as Record<string, string>
			if ('counts' in increment) histograms.get(increment.metric)?.merge(labels, increment)
			else metrics.get(increment.metric)?.(labels, increment.value)
		}
		return registry
	}

	return {
		add,
		async render() {
			return { body: await upToDate().metrics(), contentType: registry.contentType }
		},
		figures: () => upToDate().getMetricsAsJSON(),
	}
}
