// A metrics store on prom-client: in the process on Node, inside a Durable Object on workerd.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { definitions, type MetricName } from './definitions.ts'
import type { MetricsStore } from './store.ts'

/**
 * @param build what `spillway_build_info` tells.
 * @param inFlight whether the store sees the end of every request. On workerd a request whose client leaves is cut off without one, and a
 *   gauge of requests in flight would only grow; leave it out there.
 */
export function prometheusStore(build: { version: string; platform: string }, { inFlight = true } = {}): MetricsStore {
	const registry = new Registry()
	const metrics = new Map<MetricName, (labels: Record<string, string>, value: number) => void>()
	for (const [name, { type, help, labels, ...rest }] of Object.entries(definitions)) {
		if (name === 'spillway_http_requests_in_flight' && !inFlight) continue
		const options = { name, help, labelNames: [...labels] as string[], registers: [registry] }
		if (type === 'counter') {
			const counter = new Counter(options)
			metrics.set(name as MetricName, (given, value) => counter.inc(given, value))
		} else if (type === 'gauge') {
			const gauge = new Gauge(options)
			metrics.set(name as MetricName, (given, value) => gauge.inc(given, value))
		} else {
			const histogram = new Histogram({ ...options, buckets: 'buckets' in rest ? [...rest.buckets] : [] })
			metrics.set(name as MetricName, (given, value) => histogram.observe(given, value))
		}
	}
	metrics.get('spillway_build_info')?.({ ...build }, 1)
	return {
		add(batch) {
			for (const { metric, labels, value } of batch) metrics.get(metric)?.({ ...labels }, value)
		},
		async render() {
			return { body: await registry.metrics(), contentType: registry.contentType }
		},
	}
}
