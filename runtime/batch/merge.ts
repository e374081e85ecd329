// One provenance for a call that took several runs.

import type { Provenance } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'

/**
 * `queue` is that of the first run, `run` the sum, `batch` the largest; executors passed by are named once.
 *
 * @param rans of the runs in order; at least one.
 * @throws SpillwayError `unavailable` when the runs were in different vector spaces: their results must not be mixed.
 */
export function mergeRan(rans: readonly Provenance[]): Provenance {
	const [first] = rans
	if (!first) throw new RangeError('nothing to merge')
	const other = rans.find(({ space }) => space !== first.space)
	if (other)
		throw new SpillwayError(
			'unavailable',
			`parts of the call were answered in different spaces, ${first.space} by ${first.executor} and ${other.space} by ${other.executor}`,
		)
	const passed = rans.flatMap(({ overflow }) => overflow)
	return {
		...first,
		run: combined(rans, 'run', (a, b) => a + b),
		batch: combined(rans, 'batch', Math.max),
		hops: Math.max(...rans.map(({ hops }) => hops)),
		overflow: passed.filter(
			({ executor, reason }, index) => passed.findIndex((earlier) => earlier.executor === executor && earlier.reason === reason) === index,
		),
	}
}

/** What one run does not tell, the whole cannot tell. */
const combined = (rans: readonly Provenance[], key: 'run' | 'batch', join: (a: number, b: number) => number): number | null =>
	rans.map((ran) => ran[key]).reduce((a, b) => (a === null || b === null ? null : join(a, b)))
