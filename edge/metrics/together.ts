// The figures of several processes as one: those of processes that have ended stay in the sums, so that no counter ever goes back.

import { AggregatorRegistry } from 'prom-client'
import type { Figures } from './prometheus.ts'
import type { MetricsText } from './store.ts'

/** All figures in the Prometheus text format. */
export async function renderTogether(figures: readonly Figures[]): Promise<MetricsText> {
	const registry = AggregatorRegistry.aggregate([...figures])
	return { body: await registry.metrics(), contentType: registry.contentType }
}

/** What remains of processes that have ended: counts, but no gauges. */
export async function remains(...figures: Figures[]): Promise<Figures> {
	const all = await AggregatorRegistry.aggregate(figures).getMetricsAsJSON()
	return all.filter(({ type }) => String(type) !== 'gauge')
}
