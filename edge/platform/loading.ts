// An executor whose inner one is loaded when it is wanted, and unloaded when its memory is: calls wait for it as long as they have time.

import type { Answer, Call } from '../../runtime/core/call.ts'
import { bounded, startClock } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import type { MemoryBudget, Resident } from '../versions/budget.ts'

/** A load that failed is tried again after this long, then after twice as long. In milliseconds. */
const firstPause = 1_000
const longestPause = 60_000

/** Milliseconds that unloading may take. */
const longestLeave = 10_000

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

export interface LoadingOptions {
	/** The inner executor's name. */
	name: string
	/** What is loaded, for who looks after the edge, e.g. `minilm 1.0.1`: a version that another one is still serving for fails no call. */
	what: string
	/** What the inner executor will accept. */
	accepts: Executor['accepts']
	/**
	 * Makes the inner executor. Called at the first call (or `ready`), again some time after it failed, and again after it was unloaded.
	 * @param reserve to be called once, with the bytes that it will take, before they are taken.
	 */
	load(reserve: (bytes: number) => Promise<void>): Promise<Executor>
	/** Memory that is shared with others. Default: it has its own. */
	budget?: MemoryBudget
	/** Whether it must stay loaded, whoever needs its memory. Default: yes. */
	kept?(): boolean
}

export type LoadState = 'unloaded' | 'loading' | 'ready' | 'failed'

export interface Loading extends Executor {
	/** Whether calls are answered without waiting. Starts loading where that has not happened. */
	ready(): boolean
	/** Settles with the load that is under way, or begins with this call. Rejects with its error. */
	loaded(): Promise<void>
	/** How things stand; loads nothing. */
	state(): { readonly state: LoadState; readonly detail?: string }
	/** Gives the inner executor back, once calls in it are over. The next call loads it again. */
	unload(): Promise<void>
}

/**
 * Makes an executor that loads another one once, however many calls wait for it, and hands them on.
 * The load is shared: on workerd only a Durable Object may have one (workerd issue 210).
 *
 * While a load fails, calls are told the error; the load is tried again when a call comes some time later.
 */
export function loading({ name, what, accepts, load, budget, kept = () => true }: LoadingOptions): Loading {
	let inner: Executor | undefined
	let underWay: Promise<Executor> | undefined
	let leaving: Promise<void> | undefined
	let failed: { error: SpillwayError; until: number } | undefined
	let pause = firstPause
	let told: string | undefined
	/** In the inner executor. */
	let calls = 0
	/** That wait for it, or did when they came. */
	let waiting = 0
	const idle: (() => void)[] = []
	const disposal = new AbortController()

	const gone = () => new SpillwayError('disposed', `${name} was disposed`)
	const resident: Resident = { what, kept, busy: () => calls > 0 || waiting > 0 || !inner, unload }

	async function fill(): Promise<Executor> {
		// What is on its way out has its memory still. Not awaited: who unloads it may be a request of another object (workerd issue 210).
		for (const until = performance.now() + longestLeave; leaving && performance.now() < until; ) await sleep(5)
		try {
			const made = await load(async (bytes) => budget?.take(resident, bytes))
			if (disposal.signal.aborted) {
				await made.dispose()
				throw gone()
			}
			return made
		} catch (error) {
			budget?.free(resident)
			throw error
		}
	}

	function start(): Promise<Executor> {
		if (disposal.signal.aborted) return Promise.reject(gone())
		if (inner) return Promise.resolve(inner)
		if (failed && performance.now() < failed.until) return Promise.reject(failed.error)
		underWay ??= fill().then(
			(made) => {
				underWay = undefined
				failed = undefined
				told = undefined
				pause = firstPause
				inner = made
				return made
			},
			(cause) => {
				underWay = undefined
				const error = SpillwayError.from(cause, 'unavailable', `${name} could not be loaded: `)
				// Once, not at each try.
				if (told !== error.message) console.error(`${what} cannot be served: ${error.message}`)
				told = error.message
				// Who was only out of luck with memory may be lucky at once.
				if (error.retryAfter !== undefined) throw error
				failed = { error, until: performance.now() + pause }
				pause = Math.min(longestPause, pause * 2)
				throw error
			},
		)
		return underWay
	}

	async function loaded({ remaining, signal }: Pick<Context, 'remaining' | 'signal'>): Promise<Executor> {
		try {
			return await bounded(`loading ${name}`, { remaining, signal: AbortSignal.any([signal, disposal.signal]) }, start)
		} catch (error) {
			throw disposal.signal.aborted && !signal.aborted ? gone() : error
		}
	}

	/** A call in the inner executor, which stays until that is over. */
	async function within(executor: Executor, call: Call, context: Context): Promise<Answer> {
		calls++
		budget?.touch(resident)
		try {
			return await executor.infer(call, context)
		} finally {
			calls--
			if (calls === 0) {
				for (const wake of idle.splice(0)) wake()
				budget?.idle()
			}
		}
	}

	async function unload(): Promise<void> {
		const executor = inner
		if (!executor) return leaving
		inner = undefined
		leaving = (async () => {
			if (calls > 0) await new Promise<void>((resolve) => idle.push(resolve))
			try {
				await executor.dispose()
			} finally {
				budget?.free(resident)
				leaving = undefined
			}
		})()
		return leaving
	}

	return {
		name,
		accepts,
		ready() {
			start().catch(() => {})
			return inner !== undefined
		},
		async loaded() {
			await start()
		},
		state() {
			if (inner) return { state: 'ready' }
			if (underWay) return { state: 'loading' }
			return failed ? { state: 'failed', detail: failed.error.message } : { state: 'unloaded' }
		},
		unload,
		estimate(call) {
			if (inner) return inner.estimate(call)
			const gaveUp = disposal.signal.aborted ? gone() : failed && performance.now() < failed.until ? failed.error : undefined
			if (gaveUp) return { can: 'no', reason: 'unhealthy', detail: gaveUp.message, queue: 0, run: 0 }
			return { can: 'loading', reason: 'loading', detail: `${name} is being loaded`, queue: 0, run: 0 }
		},
		async infer(call, context) {
			if (inner) return within(inner, call, context)
			const clock = startClock(context.remaining)
			waiting++
			try {
				let executor = await loaded(context)
				// It may have been unloaded between there and here.
				while (executor !== inner) executor = await loaded({ ...context, remaining: clock() })
				const waited = context.remaining - clock()
				return withWait(await within(executor, call, { ...context, remaining: clock() }), waited)
			} finally {
				waiting--
			}
		},
		async dispose() {
			disposal.abort()
			const executor = inner
			inner = undefined
			await executor?.dispose()
			budget?.free(resident)
			await Promise.all([underWay?.catch(() => {}), leaving])
		},
	}
}

/** Time spent waiting for the load is time in the queue. */
const withWait = (answer: Answer, waited: number): Answer =>
	answer.ran.queue === null ? answer : { ...answer, ran: { ...answer.ran, queue: answer.ran.queue + waited } }
