// One provenance for a call that took several runs.

import type { Overflow, Provenance } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'

/** Times of the runs behind a provenance, by what stands for each run. */
type Runs = ReadonlyMap<object, number | null>

const runsBehind = new WeakMap<Provenance, Runs>()

/** Says that the provenance is that of `run`, which others may tell of, too: put together, its time is counted once. */
export function ofRun(run: object, ran: Provenance): Provenance {
	runsBehind.set(ran, new Map([[run, ran.run]]))
	return ran
}

/**
 * `queue` is that of the first run, `run` the sum of all, `batch` the largest; executors passed by are named once.
 *
 * @param rans of the runs in order; at least one.
 * @throws SpillwayError `unavailable` when the runs were in different vector spaces: their results must not be mixed.
 */
export function mergeRan(rans: readonly Provenance[]): Provenance {
	const [first] = rans
	if (!first) throw new RangeError('nothing to merge')
	if (rans.length === 1) return first
	const other = rans.find(({ space }) => space !== first.space)
	if (other)
		throw new SpillwayError(
			'unavailable',
			`parts of the call were answered in different spaces, ${first.space} by ${first.executor} and ${other.space} by ${other.executor}`,
		)
	const runs: Runs = new Map(rans.flatMap((ran) => [...(runsBehind.get(ran) ?? [[ran, ran.run] as const])]))
	const passed = new Map<string, Overflow>()
	for (const one of rans.flatMap(({ overflow }) => overflow)) {
		const key = `${one.executor} ${one.reason}`
		if (!passed.has(key)) passed.set(key, one)
	}
	const { accelerator } = first
	const merged: Provenance = {
		...first,
		...(accelerator && { accelerator: rans.every((ran) => ran.accelerator === accelerator) ? accelerator : undefined }),
		run: combined([...runs.values()], (a, b) => a + b),
		batch: combined(
			rans.map(({ batch }) => batch),
			Math.max,
		),
		hops: rans.reduce((most, { hops }) => Math.max(most, hops), 0),
		overflow: [...passed.values()],
	}
	runsBehind.set(merged, runs)
	return merged
}

/** What one run does not tell, the whole cannot tell. */
const combined = (values: readonly (number | null)[], join: (a: number, b: number) => number): number | null =>
	values.reduce((a, b) => (a === null || b === null ? null : join(a, b)))
