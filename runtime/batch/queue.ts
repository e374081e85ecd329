// The rows that wait, in the order in which they are to run.

import type { Priority } from '../core/executor.ts'

/** Milliseconds for which a row lets later ones pass that are shorter, and for which a lower priority lets a higher one pass. */
const patience = 10_000

/** How many times its own work a call lets later, shorter ones pass. */
const courtesy = 8

const head: Record<Priority, number> = { high: -patience, normal: 0, low: patience }

/**
 * The place of a row in the queue, smallest first: when it came, plus what it lets others pass for. What comes later than that stands behind it,
 * so no row starves; and a call of thousands of rows, each of which counts all before it, leaves room between them for others.
 *
 * @param entered when it came, in ms.
 * @param work milliseconds that its call asks for: its own and that of the call's rows before it.
 */
export const placeOf = (entered: number, work: number, priority: Priority = 'normal'): number =>
	entered + Math.min(courtesy * work, patience) + head[priority]

interface Placed {
	readonly place: number
	/** Its work. */
	readonly units: number
}

/** A queue sorted by place; what has the same place stays in the order in which it came. */
export class RowQueue<T extends Placed> {
	#rows: T[] = []
	#units = 0

	/** Rows that wait. */
	get size(): number {
		return this.#rows.length
	}

	/** Their work together. */
	get units(): number {
		return this.#units
	}

	/** In order. */
	get rows(): readonly T[] {
		return this.#rows
	}

	add(row: T): void {
		let [low, high] = [0, this.#rows.length]
		while (low < high) {
			const middle = (low + high) >> 1
			if ((this.#rows[middle] as T).place <= row.place) low = middle + 1
			else high = middle
		}
		this.#rows.splice(low, 0, row)
		this.#units += row.units
	}

	/** Takes rows out; those that are not there are passed by. */
	remove(rows: Iterable<T>): void {
		const gone = new Set(rows)
		this.#rows = this.#rows.filter((row) => !gone.has(row))
		this.#units = this.#rows.reduce((sum, { units }) => sum + units, 0)
	}
}
