// Which of the waiting rows share the next run: those of near-equal length, as long as their padding costs less than a run of their own.

import { enclosing, unitsOf } from './layout.ts'
import type { Speed } from './speed.ts'

/** A row as far as its size goes. */
export interface Waiting {
	/** Only rows of one form may share a run. */
	readonly form: string
	readonly sizes: readonly number[]
	/** Product of the sizes. */
	readonly units: number
	/** Must not share a run. */
	readonly alone: boolean
}

export interface Bounds {
	/** Most rows of a run; `undefined`: as measured. */
	readonly maxBatch: number | undefined
	/** Most rows of a run whatever is measured. */
	readonly mostRows: number
	/** Most work of a run, rows times units, padding included. */
	readonly maxWork: number
	/** Runs that may be under way at a time. */
	readonly width: number
	readonly speed: Pick<Speed, 'pace' | 'fixedUnits'>
}

/** Milliseconds that a batch may be expected to take, so that those who come meanwhile do not wait long; a row alone may take longer. */
const longestRun = 100

/** A larger batch no longer pays when a run's fixed cost is this share of the work of each row. */
const smallShare = 0.03

/** Most rows of a batch whose size is measured, and as long as nothing is. */
const mostMeasured = 256
const unmeasuredRows = 8
const unmeasuredUnits = 256

/** Rows that are looked at, from the first. */
const inView = 512

/** Most rows that a run should have whose rows are of so many units. */
export function mostRowsOf(units: number, { maxBatch, mostRows, speed }: Omit<Bounds, 'width' | 'maxWork'>): number {
	const measured = speed.pace?.certain
		? Math.max(1, Math.min(mostMeasured, Math.round(speed.fixedUnits / (smallShare * units))))
		: unmeasuredRows
	return Math.min(mostRows, maxBatch ?? measured)
}

/** Most units of a batch. */
function mostUnitsOf({ maxWork, speed: { pace } }: Bounds): number {
	if (!pace?.certain) return Math.min(maxWork, unmeasuredUnits)
	return pace.perUnit > 0 ? Math.min(maxWork, (longestRun - pace.fixed) / pace.perUnit) : maxWork
}

/**
 * @param queue in order, at least one; the first row is always taken.
 * @returns the rows of the next run.
 */
export function formed<R extends Waiting>(queue: readonly R[], bounds: Bounds): R[] {
	const view = queue.slice(0, inView)
	const [first] = view as [R]
	if (first.alone || view.length === 1) return [first]
	const { fixedUnits } = bounds.speed
	const mostUnits = mostUnitsOf(bounds)
	// What waits is shared out over all places, so that none stands idle while another works it off.
	const all = view.reduce((sum, { units }) => sum + units, 0)
	const share = bounds.width === 1 ? Number.POSITIVE_INFINITY : Math.max(all / bounds.width, fixedUnits)
	const others = view.filter((row) => row !== first && row.form === first.form && !row.alone)
	others.sort((a, b) => Math.abs(a.units - first.units) - Math.abs(b.units - first.units))

	const batch = [first]
	let sizes = first.sizes
	let units = first.units
	for (const row of others) {
		const widened = enclosing(sizes, row.sizes)
		const padded = unitsOf(widened)
		const total = (batch.length + 1) * padded
		if (batch.length >= mostRowsOf(padded, bounds) || total > mostUnits || total > share) continue
		if (total - batch.length * units - row.units > fixedUnits) continue
		batch.push(row)
		sizes = widened
		units = padded
	}
	return batch
}
