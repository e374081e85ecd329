// One row on its way: what it asks for, who asks for it, and the run that it is part of.

import type { ModelRef } from '../core/call.ts'
import type { Tensors } from '../core/tensor.ts'
import type { BatchedCall } from './call.ts'
import type { Waiting } from './forming.ts'
import { type Part, unitsOf } from './layout.ts'
import type { Run } from './run.ts'
import { hashOf } from './sharing.ts'

/** A call that waits for the row, as its row `index`. */
export interface Asker {
	readonly call: BatchedCall
	readonly index: number
	/** Since when, in ms. */
	readonly since: number
}

/** Rows of a batch that failed, each run again by itself. */
export interface Retrial {
	/** Rows of the batch. */
	readonly rows: number
	/** Of these, those whose end is not known yet. */
	open: number
	/** Whether one of them failed by itself. */
	failed: boolean
}

export interface RowOptions extends Part {
	model: ModelRef
	form: string
	meant: string
	/** Work that its call has in the queue or under way; the row adds its own. */
	backlog: { units: number }
	/** See `Context.begun`. Default: false. */
	begun?: boolean | undefined
}

export class Row implements Waiting, Part {
	readonly model: ModelRef
	readonly tensors: Tensors
	readonly sizes: readonly number[]
	readonly form: string
	/** Says which model, version and space are meant. */
	readonly meant: string
	readonly units: number
	readonly hash: number
	/** Where it stands in the queue. */
	place = 0
	readonly askers = new Set<Asker>()
	/** Set when a batch that it was part of failed. */
	retrial: Retrial | undefined
	/** While it is run. */
	run: Run | undefined
	/** That the time of its run was up, but not that of all who ask: it was run once more. */
	again = false
	/** Work that its call has in the queue or under way, that of the row included. */
	readonly backlog: { units: number }
	readonly #begun: boolean

	constructor({ model, tensors, sizes, form, meant, backlog, begun = false }: RowOptions) {
		this.model = model
		this.tensors = tensors
		this.sizes = sizes
		this.form = form
		this.meant = meant
		this.units = unitsOf(sizes)
		this.hash = hashOf(tensors)
		this.backlog = backlog
		this.#begun = begun
		backlog.units += this.units
	}

	/** It must not share a run. What has been run by itself is there; as part of a batch it would be run once more. */
	get alone(): boolean {
		return this.#begun || this.retrial !== undefined
	}

	/** It is over, one way or another. */
	close(): void {
		this.backlog.units -= this.units
	}
}
