// What waits, what runs, and what comes next.

import type { Answer, Provenance, TensorsCall } from '../core/call.ts'
import { deadlineExceeded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Estimate, type Executor, type RetryBudget } from '../core/executor.ts'
import { type Tensors, tensor } from '../core/tensor.ts'
import { Arrivals, worthWaiting } from './arrivals.ts'
import type { BatchingOptions, BatchPace } from './batching.ts'
import { BatchedCall } from './call.ts'
import { formed } from './forming.ts'
import { type Layout, layoutOf, type Measured, unitsOf } from './layout.ts'
import { ofRun } from './merge.ts'
import { placeOf, RowQueue } from './queue.ts'
import { type Asker, type Retrial, Row } from './row.ts'
import { type Outcome, Run } from './run.ts'
import { InFlight, identical } from './sharing.ts'
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
	readonly #queue = new RowQueue<Row>()
	readonly #running = new Set<Run>()
	readonly #inFlight = new InFlight<Row>()
	readonly #sizing: Sizing
	readonly #arrivals = new Arrivals()
	/** The rows of one call of an application may come as many calls; they share its retries, which tells that they belong together. */
	readonly #backlogs = new WeakMap<RetryBudget, { units: number }>()
	/** Since when calls are left to come until the event loop turns. */
	#turning: number | undefined
	/** Since when rows that could run are held back for others. */
	#holding: number | undefined
	#timer: ReturnType<typeof setTimeout> | undefined
	#passing = false
	#forms = 0
	#disposed: SpillwayError | undefined

	constructor(inner: Executor, options: BatchingOptions) {
		this.#inner = inner
		this.#options = options
		this.#layout = layoutOf(options.manifest)
		this.#sizing = new Sizing(options, this.#layout)
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
			this.#ask(made)
			this.#soon()
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
		while (this.#queue.size > 0 && this.#running.size < this.#places()) {
			const rows = formed(this.#queue.rows, this.#sizing.bounds)
			const wait = this.#waitFor(rows)
			if (wait > 0) {
				this.#timer = setTimeout(() => this.pass(), wait)
				break
			}
			this.#holding = undefined
			this.#queue.remove(rows)
			this.#run(new Run(rows, this.#sizing.expect))
		}
		this.#passing = false
		if (this.#queue.size > 0 && !this.#timer) this.#options.onWaiting?.(this.#backlog())
		this.#options.onChange?.()
	}

	estimate(call: TensorsCall): Estimate {
		if (this.#disposed) return cannot('unhealthy', this.#disposed.message)
		const estimate = this.#inner.estimate(call)
		if (estimate.can === 'no') return estimate
		const free = this.#queue.size === 0 && this.#running.size < this.#places()
		const queue = free ? estimate.queue : Math.max(estimate.queue, this.#backlog())
		return { ...estimate, queue, run: this.#sizing.expectCall(this.#likely(call)) ?? estimate.run }
	}

	get pace(): BatchPace | null {
		return this.#sizing.pace
	}

	get pending(): number {
		return this.#calls.size + this.#queue.size + this.#running.size + (this.#timer ? 1 : 0)
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

	/** Puts the call's next rows into the queue. */
	#ask(call: BatchedCall): void {
		const { model, context, sizes } = call
		const meant = JSON.stringify([model.name, model.version, model.space])
		const form = `${meant} ${this.#layout.form(sizes)} ${this.#layout.joinable ? '' : this.#forms++}`
		const backlog = this.#backlogs.get(context.retries) ?? { units: 0 }
		this.#backlogs.set(context.retries, backlog)
		for (let wanted = call.next(); wanted; wanted = call.next()) {
			const { index, tensors } = wanted
			const since = performance.now()
			const made = new Row({ model, tensors, sizes, form, meant, backlog })
			const place = placeOf(since, this.#sizing.weigh(backlog.units), context.priority)
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
		if ('ran' in outcome) this.#sizing.answered(run, outcome.ran)
		this.#arrivals.answered(run.callers, performance.now())
		// The next run is begun before the answers of this one are handed out.
		this.pass()
		if ('ran' in outcome) for (const [position, row] of run.rows.entries()) this.#answered(run, row, outcome, position)
		else this.#failed(run, outcome.error)
		if (this.#queue.size > 0) this.#soon()
	}

	#answered(run: Run, row: Row, { outputs, ran }: Extract<Outcome, { ran: Provenance }>, position: number): void {
		row.run = undefined
		if (row.askers.size > 0) this.#close(row)
		const own = outputs[position] as Tensors
		for (const [turn, asker] of [...row.askers].entries()) {
			const { call, index, since } = asker
			const queue = ran.queue === null ? null : ran.queue + Math.max(0, run.started - since)
			const batch = this.#layout.divisible ? run.rows.length : ran.batch
			call.asked.delete(asker)
			// To each a copy of its own.
			call.take(index, turn === 0 ? own : copyOf(own), ofRun(run, { ...ran, queue, batch }))
			if (call.settled) this.#calls.delete(call)
			else this.#ask(call)
		}
	}

	#failed(run: Run, error: SpillwayError): void {
		const living = run.rows.filter(({ askers }) => askers.size > 0)
		const several = run.rows.length > 1 && oneRowsFault.includes(error.code)
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
			if (row.askers.size > 0) this.#queue.add(row)
		}
	}

	#fail(call: BatchedCall, error: SpillwayError): void {
		this.#leave(call)
		call.fail(error)
	}

	/** Takes a call's rows out, but for those that others wait for. */
	#leave(call: BatchedCall): void {
		if (!this.#calls.delete(call)) return
		const unwanted: Row[] = []
		for (const [asker, row] of call.asked) {
			row.askers.delete(asker)
			if (row.askers.size > 0) continue
			unwanted.push(row)
			if (row.retrial) row.retrial.failed = true
			this.#close(row)
		}
		call.asked.clear()
		this.#queue.remove(unwanted)
		// Last, for whoever aborts a run may ask for the next one at once.
		for (const row of unwanted) row.run?.leave()
		if (this.#queue.size > 0) this.#soon()
	}

	/** It is over with the row, one way or another. */
	#close(row: Row): void {
		row.close()
		this.#inFlight.delete(row)
		const { retrial } = row
		if (retrial && --retrial.open === 0 && !retrial.failed) this.#sizing.tooMany(retrial.rows)
	}

	/** Calls with rows that would be late even if all went faster than it ever did lately. */
	#giveUpLate(): void {
		const { atBest, mostWidth } = this.#sizing
		if (atBest === 0) return
		const late = new Set<BatchedCall>()
		let before = 0
		for (const { units, askers } of this.#queue.rows) {
			const needed = atBest * (units + before / mostWidth)
			for (const { call } of askers) if (call.left() < needed) late.add(call)
			before += units
		}
		for (const call of late) this.#fail(call, deadlineExceeded(`the call on ${this.#inner.name}: what waits before it takes longer; it`))
	}

	/** Milliseconds to wait for more rows. */
	#waitFor(rows: readonly Row[]): number {
		const [{ units, alone }] = rows as [Row]
		if (alone || !this.#layout.joinable || rows.length < this.#queue.size || rows.length >= this.#sizing.mostRows(units)) return 0
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
		return this.#sizing.backlog(this.#queue, this.#running)
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
		const [row] = this.#queue.rows
		if (width > 0 || !row) return width
		// Who cannot go on says why when it is asked.
		return this.#inner.estimate({ kind: 'tensors', model: row.model, tensors: {} }).can === 'no' ? 1 : 0
	}
}

const copyOf = (tensors: Tensors): Tensors =>
	Object.fromEntries(Object.entries(tensors).map(([name, { datatype, shape, data }]) => [name, tensor(datatype, shape, data.slice())]))
