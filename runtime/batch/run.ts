// Rows under way together in the inner executor.

import type { Provenance } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context, Executor, Priority, RetryBudget } from '../core/executor.ts'
import type { Tensors } from '../core/tensor.ts'
import { stillExpected } from '../session/pace.ts'
import { enclosing, type Layout, unitsOf } from './layout.ts'
import type { Row } from './row.ts'

export type Outcome = { outputs: Tensors[]; ran: Provenance } | { error: SpillwayError }

export class Run {
	readonly rows: readonly Row[]
	readonly started = performance.now()
	/** Work, padding included. */
	readonly units: number
	/** Milliseconds that it was expected to take. */
	readonly #expected: number
	readonly #controller = new AbortController()
	#living: number
	/** When the time given to it is up. */
	#end = 0

	constructor(rows: readonly Row[], expect: (units: number) => number) {
		this.rows = rows
		this.units = rows.length * unitsOf(rows.map(({ sizes }) => sizes).reduce(enclosing))
		this.#expected = expect(this.units)
		this.#living = rows.length
		for (const row of rows) row.run = this
	}

	/** Never rejects. */
	async execute(inner: Executor, layout: Layout): Promise<Outcome> {
		const [{ model }] = this.rows as [Row]
		try {
			const { output, ran } = await inner.infer({ kind: 'tensors', model, tensors: layout.joined(this.rows) }, this.#context())
			if (output.kind !== 'tensors') throw new SpillwayError('upstream', `${inner.name} answered with no tensors`)
			return { outputs: layout.parted(output.tensors, this.rows), ran }
		} catch (error) {
			return { error: SpillwayError.from(error) }
		}
	}

	/** Nobody waits for one of its rows any more; without any, it is aborted. */
	leave(): void {
		if (--this.#living === 0) this.#controller.abort(new SpillwayError('aborted', 'nobody waits for the run any more'))
	}

	/** Callers who will have all that they asked for when it is over. */
	get callers(): number {
		const here = new Map<Row['backlog'], number>()
		for (const { backlog, units } of this.rows) here.set(backlog, units + (here.get(backlog) ?? 0))
		return [...here].filter(([backlog, units]) => backlog.units <= units).length
	}

	/** Whether the time given to it is up; timers may be a little early. */
	get overdue(): boolean {
		return performance.now() > this.#end - 5
	}

	/** Milliseconds that it is expected to go on. */
	remaining(now: number): number {
		return stillExpected(this.#expected, now - this.started)
	}

	/** As long as the one with most time, as urgent as the most urgent. */
	#context(): Context {
		const callers = [...new Set(this.rows.flatMap(({ askers }) => [...askers].map(({ call }) => call)))]
		const remaining = callers.reduce((most, { left }) => Math.max(most, left()), 0)
		this.#end = this.started + remaining
		const contexts = callers.map(({ context }) => context)
		const priorities = contexts.map(({ priority = 'normal' }) => priority)
		return {
			remaining,
			signal: this.#controller.signal,
			hops: contexts.reduce((most, { hops }) => Math.max(most, hops), 0),
			retries: shared([...new Set(contexts.map(({ retries }) => retries))]),
			trace: (contexts[0] as Context).trace,
			priority: order.find((priority) => priorities.includes(priority)),
			// What was begun is one row; the others who ask for it get what comes of it, too.
			begunBy: contexts.find(({ begunBy }) => begunBy)?.begunBy,
		}
	}
}

const order: readonly Priority[] = ['high', 'normal', 'low']

/** A retry of the run is one of each call in it. There are as many as the call has that has most. */
const shared = (budgets: readonly RetryBudget[]): RetryBudget => ({
	get left() {
		return budgets.reduce((most, { left }) => Math.max(most, left), 0)
	},
	set left(value) {
		const spent = Math.max(0, this.left - value)
		for (const budget of budgets) budget.left = Math.max(0, budget.left - spent)
	},
})
