// Increments added up until somebody wants to know: a request reports half a dozen, and to find the series of each in a registry, or to send
// them to where the registry is, costs more than to add them up.

import { emptyHistogram, merged, withValue } from '../../runtime/telemetry/wire-histogram.ts'
import { type Definition, definitions, type HistogramName, type MetricName } from './definitions.ts'
import type { Increment } from './store.ts'

export interface Gathered {
	add(batch: readonly Increment[]): void
	/** What has come since this was last asked: one for each series, histograms as counts. */
	take(): Increment[]
}

export function gathered(): Gathered {
	let sums = new Map<string, Increment>()
	return {
		add(batch) {
			for (const increment of batch) {
				if (!isCountable(increment)) continue
				const series = seriesOf(increment)
				sums.set(series, sumOf(sums.get(series), increment))
			}
		},
		take() {
			const all = [...sums.values()]
			sums = new Map()
			return all
		},
	}
}

/** A sum that is no number would stay none for ever; and counts between other bounds, as of another version, say nothing here. */
const isCountable = (increment: Increment): boolean =>
	'counts' in increment
		? increment.counts.length === (boundsOf(increment.metric)?.length ?? 0) + 1 && Number.isFinite(increment.sum)
		: Number.isFinite(increment.value)

const boundsOf = (metric: MetricName): readonly number[] | undefined => (definitions[metric] as Definition).buckets

/** Labels come in the order in which the code has them, the same for all of a metric. */
function seriesOf({ metric, labels }: Increment): string {
	let series: string = metric
	for (const name in labels) series += `\n${name}=${labels[name]}`
	return series
}

/** @param before what `increment` is added to; what is observed by a histogram becomes a count. */
function sumOf(before: Increment | undefined, increment: Increment): Increment {
	const { metric, labels } = increment
	const bounds = boundsOf(metric)
	if (bounds) {
		const sum = before && 'counts' in before ? before : emptyHistogram(bounds)
		const counted = 'counts' in increment ? merged(sum, increment) : withValue(sum, bounds, increment.value)
		return { metric: metric as HistogramName, labels, ...counted }
	}
	return { metric, labels, value: amountOf(before) + amountOf(increment) }
}

const amountOf = (sum: Increment | undefined): number => (sum && 'value' in sum ? sum.value : 0)
