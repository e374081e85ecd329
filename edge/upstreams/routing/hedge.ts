// Hedging: who takes long is not waited for alone.

import type { Answer, Call } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Context, Executor, RetryBudget } from '../../../runtime/core/executor.ts'
import { markTimed } from '../../../runtime/core/timed.ts'
import { attempt, sleepHere } from '../../../runtime/overflow/loop.ts'
import { estimate } from '../../../runtime/overflow/plan.ts'

/**
 * For `attempt`: whether another upstream could begin the call at once. Nothing where the time that others took does not tell how long the call
 * takes: who writes much takes long.
 */
export const alikeFor = (call: Call): ((other: Executor) => boolean) | undefined =>
	call.kind === 'task' && call.task === 'generate'
		? undefined
		: (other) => {
				const { queue, run } = estimate(other, call)
				return queue <= run
			}

/**
 * Asks in order, and after some time those behind the first one as well; the first answer is taken, and the other attempt given up. The
 * second one costs a retry, and is not made where none is left or nobody else could answer now.
 *
 * @param after milliseconds.
 * @throws SpillwayError the first attempt's, when both fail.
 */
export function hedged(order: readonly Executor[], call: Call, context: Context, after: number): Promise<Answer> {
	const [first, ...others] = order as [Executor, ...Executor[]]
	const stops = [new AbortController(), new AbortController()] as const
	const candidates = (executors: readonly Executor[]) => executors.map((executor) => ({ executor }))
	const begun = performance.now()
	const asked = (executors: readonly Executor[], stop: AbortController, retries: RetryBudget) => {
		const remaining = context.remaining - (performance.now() - begun)
		const signal = AbortSignal.any([context.signal, stop.signal])
		const own = { ...context, remaining, retries, signal }
		return attempt(candidates(executors), undefined, call, own, { sleep: sleepHere, timed: markTimed, alike: alikeFor(call) })
	}
	return new Promise<Answer>((resolve, reject) => {
		let open = 1
		let failure: unknown
		const watch = (attempted: Promise<Answer>, other: AbortController, own: boolean) =>
			attempted.then(
				(answer) => {
					clearTimeout(timer)
					// It is no fault of the other's, which a deadline would look like.
					other.abort(new SpillwayError('aborted', 'another upstream answered first'))
					resolve(own ? answer : afterWaiting(answer))
				},
				(error) => {
					if (own) failure = error
					if (--open > 0) return
					clearTimeout(timer)
					reject(failure ?? error)
				},
			)
		const afterWaiting = ({ output, ran }: Answer): Answer => {
			const waited = { executor: first.name, reason: 'deadline' as const, detail: `no answer after ${Math.round(after)} ms` }
			return { output, ran: { ...ran, overflow: [waited, ...ran.overflow] } }
		}
		const timer = setTimeout(() => {
			const able = others.filter((executor) => estimate(executor, call).can === 'now')
			if (context.retries.left <= 0 || able.length === 0) return
			context.retries.left--
			open++
			watch(asked(able, stops[1], { left: 0 }), stops[0], false)
		}, after)
		watch(asked(order, stops[0], context.retries), stops[1], true)
	})
}
