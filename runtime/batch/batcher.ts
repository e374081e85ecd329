// What waits, what runs, and what comes next.

import type { Answer, Provenance, TensorsCall } from '../core/call.ts'
import { deadlineExceeded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Estimate, type Executor } from '../core/executor.ts'
import { type Tensors, tensor } from '../core/tensor.ts'
import { Arrivals, worthWaiting } from './arrivals.ts'
import { AskedRows } from './asked.ts'
import type { BatchingOptions, BatchPace } from './batching.ts'
import { BatchedCall } from './call.ts'
import { formed } from './forming.ts'
import { type Layout, layoutOf, type Measured, unitsOf } from './layout.ts'
import { ofRun } from './merge.ts'
import type { Retrial, Row } from './row.ts'
import { type Outcome, Run } from './run.ts'
import { Sizing } from './sizing.ts'
import { soon } from './turn.ts'

/** Errors that may be one row's fault, or the batch's: its rows are run again one by one. */
const oneRowsFault = ['invalid-input', 'internal', 'unsupported', 'too-large', 'out-of-memory']

/** Milliseconds for which calls that come one upon another put off a run that could begin. */
const longestTurn = 1

/** Milliseconds; who has no more has no time for another run. */
const nextToNothing = 5

export class Batcher {
	readonly #inner: Executor
	readonly #options: BatchingOptions
	readonly #layout: Layout
	readonly #calls = new Set<BatchedCall>()
	readonly #asked: AskedRows
	readonly #running = new Set<Run>()
	readonly #sizing: Sizing
	readonly #arrivals = new Arrivals()
	/** Since when calls are left to come until the event loop turns. */
	#turning: number | undefined
	/** Since when rows that could run are held back for others. */
	#holding: number | undefined
	#timer: ReturnType<typeof setTimeout> | undefined
	#passing = false
	#disposed: SpillwayError | undefined

	constructor(inner: Executor, options: BatchingOptions) {
		this.#inner = inner
		this.#options = options
		this.#layout = layoutOf(options.manifest)
		this.#sizing = new Sizing(options, this.#layout)
		this.#asked = new AskedRows(this.#layout, this.#sizing)
	}

	/** @throws SpillwayError `disposed`, `invalid-input`, `too-large`. */
	measure({ tensors }: TensorsCall): Measured {
		if (this.#disposed) throw this.#disposed
		const measured = this.#layout.measure(tensors)
		const units = unitsOf(measured.sizes)
		const { maxWork } = this.#options
		if (maxWork !== undefined && units > maxWork)
			throw new SpillwayError('too-large', `one row asks for ${units}, the product of its axes; the limit is ${maxWork}`)
		return measured
	}

	/** @param abandoned takes the call's rows out; the promise then never settles. */
	answer(call: TensorsCall, measured: Measured, context: Context, abandoned: AbortSignal): Promise<Answer> {
		return new Promise((resolve, reject) => {
			if (this.#disposed) return reject(this.#disposed)
			if (abandoned.aborted) return
			const made = new BatchedCall({ call, context, layout: this.#layout, measured, resolve, reject })
			abandoned.addEventListener('abort', () => this.#leave(made), { once: true })
			this.#calls.add(made)
			this.#arrivals.came(performance.now())
			this.#asked.ask(made)
			if (this.#alone(measured, context)) this.pass()
			else this.#soon()
		})
	}

	/** Gives up what is late, and begins runs as long as there is room. */
	pass(): void {
		if (this.#passing || this.#disposed) return
		this.#passing = true
		this.#turning = undefined
		clearTimeout(this.#timer)
		this.#timer = undefined
		this.#giveUpLate()
		while (this.#asked.waiting.size > 0 && this.#running.size < this.#places()) {
			const rows = formed(this.#asked.waiting.rows, this.#sizing.bounds)
			const wait = this.#waitFor(rows)
			if (wait > 0) {
				this.#timer = setTimeout(() => this.pass(), wait)
				break
			}
			this.#holding = undefined
			this.#asked.take(rows)
			this.#run(new Run(rows, this.#sizing.expect))
		}
		this.#passing = false
		if (this.#asked.waiting.size > 0 && !this.#timer) this.#options.onWaiting?.(this.#backlog())
		this.#options.onChange?.()
	}

	/** A run was given up, and done all the same. */
	learn({ tensors }: TensorsCall, ran: Provenance): void {
		const { rows, sizes } = this.#layout.measure(tensors)
		this.#sizing.answered(rows * unitsOf(sizes), rows, ran)
	}

	estimate(call: TensorsCall): Estimate {
		if (this.#disposed) return cannot('unhealthy', this.#disposed.message)
		const estimate = this.#inner.estimate(call)
		if (estimate.can === 'no') return estimate
		const free = this.#asked.waiting.size === 0 && this.#running.size < this.#places()
		const queue = free ? estimate.queue : Math.max(estimate.queue, this.#backlog())
		return { ...estimate, queue, run: this.#sizing.expectCall(this.#likely(call)) ?? estimate.run }
	}

	get pace(): BatchPace | null {
		return this.#sizing.pace
	}

	get pending(): number {
		return this.#calls.size + this.#asked.waiting.size + this.#running.size + (this.#timer ? 1 : 0)
	}

	async dispose(): Promise<void> {
		if (!this.#disposed) {
			this.#disposed = new SpillwayError('disposed', `${this.#inner.name} was disposed`)
			clearTimeout(this.#timer)
			this.#timer = undefined
			for (const call of this.#calls) this.#fail(call, this.#disposed)
		}
		await this.#inner.dispose()
	}

	/** Whoever asks for one thing after another, alone, need not wait for the event loop to turn. */
	#alone({ rows }: Measured, { part = false }: Context): boolean {
		return rows === 1 && !part && this.#calls.size === 1 && this.#running.size === 0 && this.#arrivals.rare
	}

	/** What comes in the same turn of the event loop is looked at together. */
	#soon(): void {
		const now = performance.now()
		if (this.#turning === undefined) {
			this.#turning = now
			const later = this.#options.soon ?? soon
			later(() => {
				if (this.#turning !== undefined) this.pass()
			})
		} else if (now - this.#turning > longestTurn && this.#running.size < this.#places()) this.pass()
	}

	async #run(run: Run): Promise<void> {
		this.#running.add(run)
		const outcome = await run.execute(this.#inner, this.#layout)
		this.#running.delete(run)
		if ('ran' in outcome) this.#sizing.answered(run.units, run.rows.length, outcome.ran)
		this.#arrivals.answered(run.callers, performance.now())
		// The next run is begun before the answers of this one are handed out.
		this.pass()
		if ('ran' in outcome) for (const [position, row] of run.rows.entries()) this.#answered(run, row, outcome, position)
		else this.#failed(run, outcome.error)
		if (this.#asked.waiting.size > 0) this.#soon()
	}

	#answered(run: Run, row: Row, { outputs, ran }: Extract<Outcome, { ran: Provenance }>, position: number): void {
		row.run = undefined
		if (row.askers.size > 0) this.#asked.close(row)
		const own = outputs[position] as Tensors
		for (const [turn, asker] of [...row.askers].entries()) {
			const { call, index, since } = asker
			const queue = ran.queue === null ? null : ran.queue + Math.max(0, run.started - since)
			const batch = this.#layout.divisible ? run.rows.length : ran.batch
			call.asked.delete(asker)
			// To each a copy of its own.
			call.take(index, turn === 0 ? own : copyOf(own), ofRun(run, { ...ran, queue, batch }))
			if (call.settled) this.#calls.delete(call)
			else this.#asked.ask(call)
		}
	}

	#failed(run: Run, error: SpillwayError): void {
		const living = run.rows.filter(({ askers }) => askers.size > 0)
		const several = run.rows.length > 1 && (oneRowsFault.includes(error.code) || this.#options.isOneRows?.(error))
		const retrial: Retrial = { rows: run.rows.length, open: living.length, failed: living.length < run.rows.length }
		// The time is up of those for whom the run was begun; others have come since.
		const overdue = error.code === 'deadline-exceeded' && run.overdue
		for (const row of living) {
			row.run = undefined
			if (several) row.retrial = retrial
			else {
				if (row.retrial) row.retrial.failed = true
				const others = overdue && !row.again
				for (const { call } of row.askers) if (!others || call.left() < nextToNothing) this.#fail(call, error)
				row.again = true
			}
			if (row.askers.size > 0) this.#asked.again(row)
		}
	}

	#fail(call: BatchedCall, error: SpillwayError): void {
		this.#leave(call)
		call.fail(error)
	}

	/** Nobody waits for the call any more. */
	#leave(call: BatchedCall): void {
		if (!this.#calls.delete(call)) return
		this.#asked.leave(call)
		if (this.#asked.waiting.size > 0) this.#soon()
	}

	/** Calls with rows that would be late even if all went faster than it ever did lately. */
	#giveUpLate(): void {
		const { atBest, mostWidth } = this.#sizing
		if (atBest === 0) return
		const late = new Set<BatchedCall>()
		let before = 0
		for (const { units, askers } of this.#asked.waiting.rows) {
			const needed = atBest * (units + before / mostWidth)
			for (const { call } of askers) if (call.left() < needed) late.add(call)
			before += units
		}
		for (const call of late) this.#fail(call, deadlineExceeded(`the call on ${this.#inner.name}: what waits before it takes longer; it`))
	}

	/** Milliseconds to wait for more rows. */
	#waitFor(rows: readonly Row[]): number {
		const [{ units, alone }] = rows as [Row]
		if (alone || !this.#layout.joinable || rows.length < this.#asked.waiting.size || rows.length >= this.#sizing.mostRows(units)) return 0
		const now = performance.now()
		this.#holding ??= now
		return worthWaiting({
			...this.#arrivals.expected(now),
			rows: rows.length,
			waited: now - this.#holding,
			fixed: this.#sizing.fixed,
			maxWait: this.#options.maxWait,
		})
	}

	/** Milliseconds until what comes now would begin, were it the last. */
	#backlog(): number {
		return this.#sizing.backlog(this.#asked.waiting, this.#running)
	}

	/** Rows and sizes of a call that may yet turn out invalid, or stands for any. */
	#likely({ tensors }: TensorsCall): Measured {
		const any = { rows: 1, sizes: [] }
		if (Object.keys(tensors).length === 0) return any
		try {
			return this.#layout.measure(tensors)
		} catch {
			return any
		}
	}

	/** Runs that may be under way now. */
	#places(): number {
		const width = this.#options.width?.() ?? 1
		const [row] = this.#asked.waiting.rows
		if (width > 0 || !row) return width
		// Who cannot go on says why when it is asked.
		return this.#inner.estimate({ kind: 'tensors', model: row.model, tensors: {} }).can === 'no' ? 1 : 0
	}
}

const copyOf = (tensors: Tensors): Tensors =>
	Object.fromEntries(Object.entries(tensors).map(([name, { datatype, shape, data }]) => [name, tensor(datatype, shape, data.slice())]))
