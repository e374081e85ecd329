// Increments added up until somebody wants to know: a request reports half a dozen, and to find the series of each in a registry, or to send
// them to where the registry is, costs more than to add them up.

import type { Definition, MetricName } from './definitions.ts'
import { definitions } from './definitions.ts'
import type { Increment } from './store.ts'

export interface Gathered {
	add(batch: readonly Increment[]): void
	/** What has come since this was last asked: one for each series, histograms as counts. */
	take(): Increment[]
}

/** Of one series. */
interface Sum extends Pick<Increment, 'metric' | 'labels'> {
	/** Of all values. */
	value: number
	/** Of a histogram: how many values fell between two bounds. */
	readonly counts: number[] | undefined
}

export function gathered(): Gathered {
	let sums = new Map<string, Sum>()
	return {
		add(batch) {
			for (const increment of batch) {
				if (!isCountable(increment)) continue
				const series = seriesOf(increment)
				let sum = sums.get(series)
				if (!sum) {
					const { metric, labels } = increment
					const bounds = boundsOf(metric)
					sum = { metric, labels, value: 0, counts: bounds && new Array(bounds.length + 1).fill(0) }
					sums.set(series, sum)
				}
				count(sum, increment)
			}
		},
		take() {
			const all = [...sums.values()]
			sums = new Map()
			return all.map(
				({ metric, labels, value, counts }) => ({ metric, labels, ...(counts ? { counts, sum: value } : { value }) }) as Increment,
			)
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

function count(sum: Sum, increment: Increment): void {
	const { counts } = sum
	if ('counts' in increment) {
		if (counts) for (const [at, more] of increment.counts.entries()) counts[at] = (counts[at] ?? 0) + more
		sum.value += increment.sum
		return
	}
	const { value } = increment
	sum.value += value
	if (!counts) return
	const found = boundsOf(sum.metric)?.findIndex((bound) => value <= bound) ?? -1
	const at = found < 0 ? counts.length - 1 : found
	counts[at] = (counts[at] ?? 0) + 1
}
