// A histogram of values that were counted elsewhere, between the same bounds: in a page, or since it was last read. prom-client's takes only
// one value at a time.

import type { Metric } from 'prom-client'
import { countOf, type Histogram, merged } from '../../runtime/telemetry/wire-histogram.ts'

export interface CountedHistogram {
	/** For prom-client's registry. */
	readonly metric: Metric
	/** Adds counts between the same bounds to those of the same labels. */
	merge(labels: Record<string, string>, histogram: Histogram): void
}

/** @param bounds upper bounds in the metric's unit. */
export function countedHistogram(name: string, help: string, bounds: readonly number[]): CountedHistogram {
	const series = new Map<string, { labels: Record<string, string>; histogram: Histogram }>()

	function samplesOf({ labels, histogram }: { labels: Record<string, string>; histogram: Histogram }) {
		let below = 0
		const buckets = bounds.map((bound, at) => {
			below += histogram.counts[at] ?? 0
			return { metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: below }
		})
		const count = countOf(histogram)
		return [
			...buckets,
			{ metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
			{ metricName: `${name}_sum`, labels, value: histogram.sum },
			{ metricName: `${name}_count`, labels, value: count },
		]
	}

	// All that the registry asks of a metric; prom-client's type names its own classes only.
	const metric = {
		name,
		help,
		get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: [...series.values()].flatMap(samplesOf) }),
		reset: () => series.clear(),
	} as unknown as Metric

	return {
		metric,
		merge(labels, { counts, sum }) {
			const key = JSON.stringify(labels)
			const before = series.get(key)
			series.set(key, { labels, histogram: before ? merged(before.histogram, { counts, sum }) : { counts, sum } })
		},
	}
}
