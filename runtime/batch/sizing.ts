// How large batches may be and how long things will take, from what was seen so far.

import type { Provenance } from '../core/call.ts'
import type { BatchingOptions, BatchPace } from './batching.ts'
import { type Bounds, mostRowsOf } from './forming.ts'
import { type Layout, type Measured, unitsOf } from './layout.ts'
import type { Run } from './run.ts'
import { Speed } from './speed.ts'

/** Milliseconds for a unit as long as nothing was measured, for the order alone. */
const guessedRate = 0.5

/** Milliseconds after which larger batches are tried again: memory may have been short for a moment. */
const forgotten = 60_000

/** Rows over which their size is averaged: enough for those of a call that come sorted. */
const averaged = 256

export class Sizing {
	readonly #options: Pick<BatchingOptions, 'maxBatch' | 'maxWork' | 'width' | 'mostWidth'>
	readonly #layout: Layout
	readonly #speed = new Speed()
	/** Rows of the largest batch so far: batches grow by twice, for what a large one needs is not known before. */
	#largest = 4
	/** Rows of the smallest batch that failed lately although none of its rows did, and when one last did. */
	#failed = { rows: Number.POSITIVE_INFINITY, at: 0 }
	/** Units of a row, on average; 0 before the first. */
	#usualUnits = 0

	constructor(options: Pick<BatchingOptions, 'maxBatch' | 'maxWork' | 'width' | 'mostWidth'>, layout: Layout) {
		this.#options = options
		this.#layout = layout
	}

	/** A row came. */
	came(units: number): void {
		this.#usualUnits += (units - this.#usualUnits) / (this.#usualUnits === 0 ? 1 : averaged)
	}

	/** A run was answered. @param units its work, padding included. */
	answered(units: number, rows: number, ran: Provenance): void {
		const row = units / rows
		this.#speed.add(units, ran, row * Math.max(rows, this.mostRows(row)))
		this.#largest = Math.max(this.#largest, rows)
	}

	/** A batch of so many rows failed, and none of its rows. */
	tooMany(rows: number): void {
		this.#failed = { rows: Math.min(this.#tooMany, rows), at: performance.now() }
	}

	/** Rows that are known to be too many. */
	get #tooMany(): number {
		const { rows, at } = this.#failed
		return performance.now() - at < forgotten ? rows : Number.POSITIVE_INFINITY
	}

	/** Runs at a time, as far as times are concerned. */
	get width(): number {
		return Math.max(1, this.#options.width?.() ?? 1)
	}

	/** The same, if it grows as far as it can. */
	get mostWidth(): number {
		return Math.max(this.width, this.#options.mostWidth?.() ?? 1)
	}

	get maxWork(): number {
		return this.#options.maxWork ?? 2048
	}

	get bounds(): Bounds {
		const { maxBatch } = this.#options
		const grown = maxBatch === undefined ? 2 * this.#largest : Number.POSITIVE_INFINITY
		return {
			maxBatch,
			mostRows: Math.min(this.#layout.mostRows, grown, Math.max(1, Math.floor(this.#tooMany / 2))),
			maxWork: this.maxWork,
			width: this.width,
			speed: this.#speed,
		}
	}

	/** Rows of a full run, each of so many units. */
	mostRows(units = Math.max(1, this.#usualUnits)): number {
		return mostRowsOf(units, this.bounds)
	}

	/** What a run costs besides its work, in ms; `undefined` while that is not known. */
	get fixed(): number | undefined {
		const { pace } = this.#speed
		return pace?.certain ? pace.fixed : undefined
	}

	/** Milliseconds for each unit at the very best; 0 where nothing was measured lately. */
	get atBest(): number {
		return this.#speed.atBest
	}

	/** Milliseconds that one run of so much work is expected to take; 0 until something was measured. */
	readonly expect = (units: number): number => this.#speed.expect(units)

	/** Milliseconds for so much work, to tell short from long even before anything was measured. */
	weigh(units: number): number {
		return units * (this.#speed.pace?.perUnit ?? guessedRate)
	}

	/** Milliseconds that a call is expected to take; `null` until something was measured. */
	expectCall({ rows, sizes }: Measured): number | null {
		if (!this.#speed.pace) return null
		const units = unitsOf(sizes)
		const runs = Math.ceil(rows / this.mostRows(units))
		return this.#speed.expect(rows * units, runs) / Math.min(runs, this.width)
	}

	/** Milliseconds until what comes now would begin, were it the last. */
	backlog(waiting: { size: number; units: number }, running: Iterable<Run>): number {
		const now = performance.now()
		const left = [...running].reduce((sum, run) => sum + run.remaining(now), 0)
		return (left + this.#speed.expect(waiting.units, waiting.size / this.mostRows())) / this.width
	}

	get pace(): BatchPace | null {
		const { pace } = this.#speed
		return pace && { fixed: pace.fixed, perUnit: pace.perUnit, rows: this.mostRows(), width: this.width }
	}
}
