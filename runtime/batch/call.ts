// A call in rows: it asks for some at a time, and becomes an answer when all are there.

import type { Answer, ModelRef, Provenance, TensorsCall } from '../core/call.ts'
import { startClock } from '../core/deadline.ts'
import type { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import type { Tensors } from '../core/tensor.ts'
import type { Layout, Measured } from './layout.ts'
import { mergeRan } from './merge.ts'
import type { Asker, Row } from './row.ts'

/** Rows of a call that wait or run at a time, and their bytes: enough for the largest batches, and little to copy and to take back. */
const mostAsked = 256
const mostBytes = 16 * 1024 * 1024

export interface CallOptions {
	call: TensorsCall
	context: Context
	layout: Layout
	measured: Measured
	resolve(answer: Answer): void
	reject(error: SpillwayError): void
}

export class BatchedCall {
	readonly model: ModelRef
	readonly context: Context
	readonly left: () => number
	readonly sizes: readonly number[]
	/** Rows that it waits for. */
	readonly asked = new Map<Asker, Row>()
	readonly #options: CallOptions
	readonly #most: number
	#position = 0
	readonly #outputs: Tensors[] = []
	readonly #rans: Provenance[] = []
	settled = false

	constructor(options: CallOptions) {
		const { call, context, measured } = options
		this.model = call.model
		this.context = context
		this.left = startClock(context.remaining)
		this.sizes = measured.sizes
		this.#options = options
		const bytes = Object.values(call.tensors).reduce((sum, { data }) => sum + data.byteLength, 0)
		this.#most = Math.max(1, Math.min(mostAsked, Math.floor((mostBytes * measured.rows) / Math.max(1, bytes))))
	}

	/** The next row that it asks for; nothing while it waits for as many as it may. */
	next(): { index: number; tensors: Tensors } | undefined {
		const { call, layout, measured } = this.#options
		if (this.settled || this.#position === measured.rows || this.asked.size >= this.#most) return undefined
		const index = this.#position++
		return { index, tensors: layout.row(call.tensors, index) }
	}

	/** Gives it the outputs of a row; with the last one it is answered. */
	take(index: number, tensors: Tensors, ran: Provenance): void {
		this.#outputs[index] = tensors
		this.#rans.push(ran)
		if (this.#rans.length < this.#options.measured.rows) return
		const { layout, resolve, reject } = this.#options
		this.settled = true
		try {
			resolve({ output: { kind: 'tensors', tensors: layout.whole(this.#outputs) }, ran: mergeRan(this.#rans) })
		} catch (error) {
			reject(error as SpillwayError)
		}
	}

	fail(error: SpillwayError): void {
		this.settled = true
		this.#options.reject(error)
	}
}
