// The rows that calls ask for: in the queue or under way, each with all who wait for it.

import type { RetryBudget } from '../core/executor.ts'
import type { BatchedCall } from './call.ts'
import type { Layout } from './layout.ts'
import { placeOf, RowQueue } from './queue.ts'
import { type Asker, Row } from './row.ts'
import { InFlight, identical } from './sharing.ts'
import type { Sizing } from './sizing.ts'

export class AskedRows {
	readonly #layout: Layout
	readonly #sizing: Sizing
	readonly #queue = new RowQueue<Row>()
	readonly #inFlight = new InFlight<Row>()
	/** The rows of one call of an application may come as many calls; they share its retries, which tells that they belong together. */
	readonly #backlogs = new WeakMap<RetryBudget, { units: number }>()
	#forms = 0

	constructor(layout: Layout, sizing: Sizing) {
		this.#layout = layout
		this.#sizing = sizing
	}

	/** Those that wait, in order. */
	get waiting(): Pick<RowQueue<Row>, 'rows' | 'size' | 'units'> {
		return this.#queue
	}

	/** Puts the call's next rows into the queue. */
	ask(call: BatchedCall): void {
		const { model, context, sizes } = call
		const meant = JSON.stringify([model.name, model.version, model.space])
		const form = `${meant} ${this.#layout.form(sizes)} ${this.#layout.joinable ? '' : this.#forms++}`
		const backlog = this.#backlogs.get(context.retries) ?? { units: 0 }
		this.#backlogs.set(context.retries, backlog)
		for (let wanted = call.next(); wanted; wanted = call.next()) {
			const { index, tensors } = wanted
			const since = performance.now()
			const made = new Row({ model, tensors, sizes, form, meant, backlog, begun: context.begun })
			// What a worker has begun stands first: that worker is given to it before it is given to another.
			const place = context.begun ? Number.NEGATIVE_INFINITY : placeOf(since, this.#sizing.weigh(backlog.units), context.priority)
			const twin = this.#inFlight.find(made.hash, (other) => other.meant === meant && identical(other.tensors, tensors))
			const row = twin ?? made
			const asker: Asker = { call, index, since }
			row.askers.add(asker)
			call.asked.set(asker, row)
			if (twin) made.close()
			else this.#inFlight.add(made)
			if (row.run || (twin && twin.place <= place)) continue
			if (twin) this.#queue.remove([twin])
			row.place = place
			this.#queue.add(row)
			this.#sizing.came(row.units)
		}
	}

	/** Takes them out of the queue: they are to be run. */
	take(rows: readonly Row[]): void {
		this.#queue.remove(rows)
	}

	/** It is to be run once more. */
	again(row: Row): void {
		this.#queue.add(row)
	}

	/** Takes a call's rows out, but for those that others wait for. */
	leave(call: BatchedCall): void {
		const unwanted: Row[] = []
		for (const [asker, row] of call.asked) {
			row.askers.delete(asker)
			if (row.askers.size > 0) continue
			unwanted.push(row)
			if (row.retrial) row.retrial.failed = true
			this.close(row)
		}
		call.asked.clear()
		this.#queue.remove(unwanted)
		// Last, for whoever aborts a run may ask for the next one at once.
		for (const row of unwanted) row.run?.leave()
	}

	/** It is over with the row, one way or another. */
	close(row: Row): void {
		row.close()
		this.#inFlight.delete(row)
		const { retrial } = row
		if (retrial && --retrial.open === 0 && !retrial.failed) this.#sizing.tooMany(retrial.rows)
	}
}
