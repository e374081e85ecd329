// What shadow traffic has shown: behind an interface because on workerd it lives in a Durable Object.

/** One call that two versions answered. */
export interface Comparison {
	readonly model: string
	/** The version whose answer was given. */
	readonly version: string
	/** The version whose answer was thrown away. */
	readonly shadow: string
	/** `skipped`: too many were under way. */
	readonly outcome: 'same' | 'different' | 'failed' | 'skipped'
	readonly cosine: number | null
	/** Null when there was nothing to compare. */
	readonly absolute: number | null
	/** Milliseconds that the two took; null when there is no telling. */
	readonly took: number | null
	readonly shadowTook: number | null
	/** What differed, or the error. */
	readonly detail?: string
}

/** What is known of two versions. */
export interface Compared {
	readonly model: string
	readonly version: string
	readonly shadow: string
	readonly outcomes: Readonly<Record<Comparison['outcome'], number>>
	readonly lowestCosine: number | null
	readonly largestDifference: number | null
	/** Mean milliseconds. */
	readonly took: number | null
	readonly shadowTook: number | null
	/** The last one that was not the same: milliseconds since 1970, and why. */
	readonly last: { readonly at: number; readonly detail: string } | null
}

/** One for all that share the state behind it. */
export interface Comparisons {
	add(comparison: Comparison): void | Promise<void>
	/** Of a model, those that are still going on last. */
	of(model: string): readonly Compared[] | Promise<readonly Compared[]>
}

/** Pairs that are kept. */
const mostKept = 1000

interface Sums {
	compared: Compared
	timed: number
	took: number
	shadowTook: number
}

/** Comparisons in this process's (or Durable Object's) memory. */
export function memoryComparisons(now: () => number = Date.now): Comparisons {
	const pairs = new Map<string, Sums>()
	return {
		add(comparison) {
			const { model, version, shadow } = comparison
			const key = `${model}\n${version}\n${shadow}`
			const before = pairs.get(key)
			// Behind the others again.
			pairs.delete(key)
			pairs.set(key, added(before, comparison, now()))
			for (const oldest of pairs.keys()) {
				if (pairs.size <= mostKept) break
				pairs.delete(oldest)
			}
		},
		of: (model) => [...pairs.values()].map(({ compared }) => compared).filter((one) => one.model === model),
	}
}

function added(before: Sums | undefined, comparison: Comparison, at: number): Sums {
	const { model, version, shadow, outcome, cosine, absolute, took, shadowTook, detail } = comparison
	const { compared, ...sums } = before ?? { timed: 0, took: 0, shadowTook: 0 }
	if (took !== null && shadowTook !== null) {
		sums.timed++
		sums.took += took
		sums.shadowTook += shadowTook
	}
	const outcomes = { same: 0, different: 0, failed: 0, skipped: 0, ...compared?.outcomes }
	outcomes[outcome]++
	const mean = (sum: number) => (sums.timed > 0 ? sum / sums.timed : null)
	return {
		...sums,
		compared: {
			model,
			version,
			shadow,
			outcomes,
			lowestCosine: extreme(Math.min, compared?.lowestCosine, cosine),
			largestDifference: extreme(Math.max, compared?.largestDifference, absolute),
			took: mean(sums.took),
			shadowTook: mean(sums.shadowTook),
			last: detail !== undefined ? { at, detail } : (compared?.last ?? null),
		},
	}
}

const extreme = (pick: (a: number, b: number) => number, before: number | null | undefined, now: number | null): number | null =>
	now === null ? (before ?? null) : pick(before ?? now, now)
