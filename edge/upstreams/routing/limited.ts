// An upstream's executor, given no more calls at a time than the upstream takes well.

import type { Answer } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { cannot, type Executor, type Wrap } from '../../../runtime/core/executor.ts'
import { isLate } from '../../../runtime/overflow/breaker.ts'
import { tooLong } from '../../../runtime/overflow/plan.ts'
import type { UpstreamLoad } from './load.ts'

/** What an upstream answers that has too much to do. */
const tooMuch = ['rate-limited', 'unavailable', 'out-of-memory']

/**
 * Lets calls wait for their turn: high priority first, else in the order in which they came. Its estimates are those of what was measured
 * here, of the time that calls wait as much as of the time that they take.
 *
 * Errors, beside the executor's own: `unavailable` with a time to come back when too many wait, or the call has waited until there was no
 * time left for it.
 */
export const limited =
	(load: UpstreamLoad): Wrap =>
	(inner: Executor): Executor => ({
		...inner,
		estimate(call) {
			const expected = inner.estimate(call)
			if (expected.can === 'no') return expected
			const { full } = load
			if (full) return { ...cannot('queue', full.message), queue: load.wait() }
			const measured = load.expect(call)
			return measured === undefined ? { ...expected, queue: load.wait() } : { ...expected, queue: load.wait(), run: measured }
		},
		async infer(call, context) {
			const at = performance.now()
			const taken = load.take(context.remaining, at)
			const slot = taken ?? (await load.queue(context))
			const began = taken ? at : performance.now()
			const waited = began - at
			const remaining = Math.max(0, context.remaining - waited)
			const expected = load.expect(call) ?? 0
			if (waited > 1 && remaining < expected) {
				slot.over()
				throw new SpillwayError('unavailable', `${inner.name} had other calls to answer until there was no time left`, {
					retryAfter: Math.max(1, load.wait()),
				})
			}
			// Who is not asked at all, for it failed before, has not been given too much.
			const asked = inner.estimate(call).can !== 'no'
			try {
				const answer = await inner.infer(call, { ...context, remaining })
				slot.answered(call)
				return waited < 1 ? answer : withWait(answer, waited)
			} catch (thrown) {
				const { code } = SpillwayError.from(thrown)
				const late = code === 'deadline-exceeded' || (code === 'aborted' && isLate(context))
				// A call that came with little time says nothing.
				if (late ? performance.now() - began > tooLong * expected : asked && tooMuch.includes(code)) slot.overloaded(call)
				throw thrown
			} finally {
				slot.over()
			}
		},
	})

/** Time spent waiting for the turn is time in the queue. */
const withWait = (answer: Answer, waited: number): Answer => ({
	...answer,
	ran: { ...answer.ran, queue: (answer.ran.queue ?? 0) + waited },
})
