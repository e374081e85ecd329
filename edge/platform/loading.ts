// An executor whose inner one is still being loaded: calls wait for it as long as they have time.

import type { Answer } from '../../runtime/core/call.ts'
import { bounded, startClock } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'

/** A load that failed is tried again after this long, then after twice as long. In milliseconds. */
const firstPause = 1_000
const longestPause = 60_000

export interface LoadingOptions {
	/** The inner executor's name. */
	name: string
	/** What is loaded, for who looks after the edge, e.g. `minilm 1.0.1`: a version that another one is still serving for fails no call. */
	what: string
	/** What the inner executor will accept. */
	accepts: Executor['accepts']
	/** Makes the inner executor. Called at the first call (or `ready`), and again some time after it failed. */
	load(): Promise<Executor>
}

export interface Loading extends Executor {
	/** Whether calls are answered without waiting. Starts loading where that has not happened. */
	ready(): boolean
	/** Settles with the load that is under way, or begins with this call. Rejects with its error. */
	loaded(): Promise<void>
}

/**
 * Makes an executor that loads another one once, however many calls wait for it, and hands them on.
 * The load is shared: on workerd only a Durable Object may have one (workerd issue 210).
 *
 * While a load fails, calls are told the error; the load is tried again when a call comes some time later.
 */
export function loading({ name, what, accepts, load }: LoadingOptions): Loading {
	let inner: Executor | undefined
	let underWay: Promise<Executor> | undefined
	let failed: { error: SpillwayError; until: number } | undefined
	let pause = firstPause
	const disposal = new AbortController()

	const gone = () => new SpillwayError('disposed', `${name} was disposed`)

	function start(): Promise<Executor> {
		if (disposal.signal.aborted) return Promise.reject(gone())
		if (inner) return Promise.resolve(inner)
		if (failed && performance.now() < failed.until) return Promise.reject(failed.error)
		underWay ??= load().then(
			async (made) => {
				underWay = undefined
				if (disposal.signal.aborted) {
					await made.dispose()
					throw gone()
				}
				failed = undefined
				inner = made
				return made
			},
			(cause) => {
				underWay = undefined
				const error = SpillwayError.from(cause, 'unavailable', `${name} could not be loaded: `)
				// Once, not at each try.
				if (failed?.error.message !== error.message) console.error(`${what} cannot be served: ${error.message}`)
				failed = { error, until: performance.now() + pause }
				pause = Math.min(longestPause, pause * 2)
				throw error
			},
		)
		return underWay
	}

	async function loaded({ remaining, signal }: Context): Promise<Executor> {
		try {
			return await bounded(`loading ${name}`, { remaining, signal: AbortSignal.any([signal, disposal.signal]) }, start)
		} catch (error) {
			throw disposal.signal.aborted && !signal.aborted ? gone() : error
		}
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
		estimate(call) {
			if (inner) return inner.estimate(call)
			const gaveUp = disposal.signal.aborted ? gone() : failed && performance.now() < failed.until ? failed.error : undefined
			if (gaveUp) return { can: 'no', reason: 'unhealthy', detail: gaveUp.message, queue: 0, run: 0 }
			return { can: 'loading', reason: 'loading', detail: `${name} is being loaded`, queue: 0, run: 0 }
		},
		async infer(call, context) {
			if (inner) return inner.infer(call, context)
			const clock = startClock(context.remaining)
			const executor = await loaded(context)
			const waited = context.remaining - clock()
			return withWait(await executor.infer(call, { ...context, remaining: clock() }), waited)
		},
		async dispose() {
			disposal.abort()
			const executor = inner
			inner = undefined
			await executor?.dispose()
			await underWay?.catch(() => {})
		},
	}
}

/** Time spent waiting for the load is time in the queue. */
const withWait = (answer: Answer, waited: number): Answer =>
	answer.ran.queue === null ? answer : { ...answer, ran: { ...answer.ran, queue: answer.ran.queue + waited } }
