// A metrics store on prom-client: in the process on Node, inside a Durable Object on workerd.

import { Counter, Gauge, Histogram, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client'
import { type Definition, definitions, type MergedName, type MetricName } from './definitions.ts'
import { type MergedHistogram, mergedHistogram } from './merged.ts'
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
	const merged = new Map<MergedName, MergedHistogram>()
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
		} else if (type === 'merged') {
			const histogram = mergedHistogram(name, help, buckets)
			merged.set(name as MergedName, histogram)
			registry.registerMetric(histogram.metric)
		} else {
			const histogram = new Histogram({ ...options, buckets: [...buckets] })
			metrics.set(name as MetricName, (given, value) => histogram.observe(given, value))
		}
	}
	metrics.get('spillway_build_info')?.({ ...build }, 1)
	return {
		add(batch) {
			for (const increment of batch) {
				// Not changed there.
				const labels = increment.labels as Record<string, string>
				if ('counts' in increment) merged.get(increment.metric)?.merge(labels, increment)
				else metrics.get(increment.metric)?.(labels, increment.value)
			}
		},
		async render() {
			return { body: await registry.metrics(), contentType: registry.contentType }
		},
		figures: () => registry.getMetricsAsJSON(),
	}
}
