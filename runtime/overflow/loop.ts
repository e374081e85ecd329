// The attempt loop: asks one executor after another until one answers. The same in the page and at the edge.

import type { Answer, Call, Overflow } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { accepts, type Context, cannot, type Executor } from '../core/executor.ts'
import { type Parts, partsTo } from './parts.ts'
import { type Candidate, estimate, finish, overdue, plan } from './plan.ts'
import { allows, type Policy } from './policy.ts'
import { overflowReason } from './reason.ts'

/** Calls `wake` after so many milliseconds; the returned function takes that back. */
export type Sleep = (milliseconds: number, wake: () => void) => () => void

const sleepHere: Sleep = (milliseconds, wake) => {
	const timer = setTimeout(wake, milliseconds)
	return () => clearTimeout(timer)
}

export interface AttemptOptions {
	/** Default: by a timer, which in a hidden page is late. */
	readonly sleep?: Sleep | undefined
	/** Watches over the parts of attempts; not needed where one candidate at most has any to give, as in a page. */
	readonly follow?: typeof partsTo | undefined
	/** Aborts the call as well. */
	readonly also?: AbortSignal | undefined
	/** Given where candidates are much the same: none is nearer, and an attempt is given up only for one of which this is true. */
	readonly alike?: ((other: Executor) => boolean) | undefined
}

/**
 * Answers a call by the first candidate that can, in the policy's order.
 *
 * What another executor may cure (network, memory, a lost worker, …) goes on to the next one, each further attempt for one retry of the
 * context's budget; what is the caller's fault (`invalid-input`), abort and deadline do not. When the time left comes down to what the next
 * executor is expected to need, and the attempt under way takes longer than was expected, or than the next one would, it is aborted and the
 * next one asked; before that, when it takes three times as long as was expected, and a second at least, while one nearer to the user could
 * answer now. Once an attempt has emitted a part of its answer, it is the
 * only one: its error is the call's.
 *
 * An attempt may spend retries of its own (a replayed run, an edge with upstreams): it is handed what is not needed for asking the others
 * here, and what it spent comes off the budget, so that all attempts at all levels are one more than the budget at most.
 *
 * @param candidates nearest to the user first.
 * @param policy default: all may be asked, nearest first.
 * @returns the answer, whose provenance tells all that were passed by, and why.
 * @throws SpillwayError `invalid-input`, `aborted`, `deadline-exceeded`; else the error of the only candidate that was asked, or one that
 *   names each candidate with its reason: with their common code, or `unavailable`.
 */
export function attempt(
	candidates: readonly Candidate[],
	policy: Policy | undefined,
	call: Call,
	context: Context,
	{ sleep = sleepHere, follow, also, alike }: AttemptOptions = {},
): Promise<Answer> {
	const what = `the call to ${call.model.name}`
	const [only] = candidates
	// Who is alone is asked whatever it expects; its answer and its error are the call's.
	if (only && candidates.length === 1 && allows(policy, only.role) && accepts(only.executor, call)) {
		const ask = (abandoned: AbortSignal) =>
			only.executor.infer(call, { ...context, ...follow?.(context, abandoned).next(() => []), signal: abandoned })
		return bounded(what, context, ask, also)
	}
	const work = async (abandoned: AbortSignal) => {
		const { retries } = context
		const parts = follow?.(context, abandoned)
		const clock = startClock(context.remaining)
		const failed = new Map<Candidate, Overflow>()
		const errors: SpillwayError[] = []
		for (;;) {
			const left = candidates.filter((one) => !failed.has(one))
			const { order, passed } = plan(left, call, policy, clock())
			const [candidate] = order
			const retry = failed.size > 0
			if (!candidate || (retry && retries.left <= 0)) throw unable(call, [...failed.values(), ...passed.values()], errors)
			if (retry) retries.left--
			const { executor } = candidate
			const rest = left.filter((one) => one !== candidate)
			const another = () => {
				const [one] = plan(rest, call, policy, clock()).order
				return one && (alike?.(one.executor) ?? true) ? one : undefined
			}
			const next = retries.left > 0 && rest.length > 0 ? another : undefined
			const share = Math.max(0, retries.left - order.length + 1)
			const handed = { left: share }
			const place = candidates.indexOf(candidate)
			const isNearer = (one: Candidate) => !!alike || candidates.indexOf(one) < place
			// Who was asked in vain, and who stood nearer to the user and was not asked.
			const overflow = () => candidates.flatMap((one, i) => failed.get(one) ?? ((i < place && passed.get(one)) || []))
			try {
				const own = { ...context, ...parts?.next(overflow), retries: handed }
				const answer = await once(executor, next, isNearer, call, own, clock, abandoned, sleep, parts).finally(() => {
					retries.left -= share - handed.left
				})
				return { ...answer, ran: { ...answer.ran, overflow: [...overflow(), ...answer.ran.overflow] } }
			} catch (thrown) {
				const error = SpillwayError.from(thrown)
				const reason = overflowReason(error)
				// An executor's own timer may be a little early.
				if (!reason || parts?.begun || abandoned.aborted || clock() < 2) throw error
				failed.set(candidate, { executor: executor.name, reason, detail: `${error.code}: ${error.message}` })
				errors.push(error)
			}
		}
	}
	return bounded(what, context, work, also)
}

/** Milliseconds between two looks at who else could answer: one that is loading or unhealthy now may be there soon. */
const lookAgain = 250

/** One attempt, given up when the next executor, if there may be one, needs the time that is left. */
async function once(
	executor: Executor,
	nextOne: (() => Candidate | undefined) | undefined,
	isNearer: (one: Candidate) => boolean,
	call: Call,
	context: Context,
	clock: () => number,
	abandoned: AbortSignal,
	sleep: Sleep,
	parts: Parts | undefined,
): Promise<Answer> {
	// Nobody else to go on to: the loop's own bounds are enough.
	if (!nextOne) return executor.infer(call, { ...context, remaining: clock(), signal: abandoned })
	let wakeNoMore: (() => void) | undefined
	try {
		// An executor may be slow to notice the signal: it is not waited for.
		return await bounded(executor.name, { remaining: clock(), signal: abandoned }, (signal, giveUp) => {
			const begun = clock()
			// What the next one gets beside the time that it is expected to need, of which little may be known.
			const reserve = Math.min(lookAgain, begun / 8)
			const own = estimate(executor, call)
			const watch = () => {
				if (parts?.begun) return
				const next = nextOne()
				const expected = next && estimate(next.executor, call)
				const elapsed = begun - clock()
				const tooLate = next && isNearer(next) && elapsed > overdue(own)
				const spare = expected?.can !== 'now' ? lookAgain : tooLate ? 0 : spareFor(finish(expected))
				if (spare > 1) wakeNoMore = sleep(Math.min(spare, lookAgain), watch)
				// Not at the start, nor too late: the next one would be late itself.
				else if (wakeNoMore && spare > -reserve) giveUp(new SpillwayError('deadline-exceeded', 'too slow'))
			}
			/** Milliseconds until the other needs the time that is left. While this one is as far as was expected, and the sooner of the two, it goes on. */
			const spareFor = (other: number) => {
				const needed = clock() - other - reserve
				const left = finish(own) - (begun - clock())
				return left < other ? Math.max(needed, left) : needed
			}
			// With time to spare the reserve covers a first look that comes later: most answers are there before it.
			if (begun > 8 * lookAgain) wakeNoMore = sleep(lookAgain, watch)
			else watch()
			return executor.infer(call, { ...context, remaining: clock(), signal })
		})
	} finally {
		wakeNoMore?.()
	}
}

function unable(call: Call, stories: readonly Overflow[], errors: readonly SpillwayError[]): SpillwayError {
	// The code that all share, apart from those that could never have answered.
	const curable = errors.filter((error) => overflowReason(error) !== 'unsupported')
	const counted = curable[0] ? curable : errors
	const [one] = counted
	// Of those who were not asked, what they say of such calls.
	const never = one ? !curable[0] : stories[0] && stories.every(({ reason }) => reason === 'unsupported')
	const mixed: ErrorCode = never ? 'unsupported' : 'unavailable'
	const code = one && counted.every((error) => error.code === one.code) ? one.code : mixed
	// Who comes back first can answer first.
	const times = errors.flatMap(({ retryAfter }) => retryAfter ?? [])
	const whys = stories.map(({ executor, reason, detail }) => `${executor} (${detail ?? reason})`)
	return new SpillwayError(code, `nobody could answer ${call.model.name}: ${whys.join('; ')}`, {
		cause: errors.at(-1),
		retryAfter: times[0] && Math.min(...times),
	})
}

/**
 * Makes one executor of several: {@link attempt} behind the interface. It owns them: `dispose` disposes all.
 *
 * @param name what errors and estimates call it, e.g. `"edge"`.
 * @param executors nearest to the user first.
 * @example const minilm = overflow("edge", [inProcess, gpuA, gpuB])
 */
export function overflow(name: string, executors: readonly Executor[]): Executor {
	const candidates = executors.map((executor) => ({ executor }))
	const gone = new SpillwayError('disposed', `${name} was disposed`)
	const disposal = new AbortController()
	let disposed: Promise<unknown> | undefined
	return {
		name,
		accepts: [...new Set(executors.flatMap((executor) => executor.accepts))],
		estimate(call) {
			const [only] = executors
			if (only && executors.length === 1 && !disposed && accepts(only, call)) return estimate(only, call)
			const { order, passed } = plan(candidates, call, undefined, Number.POSITIVE_INFINITY)
			if (order[0] && !disposed) return estimate(order[0].executor, call)
			const [{ reason = 'unhealthy', detail = gone.message } = {} as Partial<Overflow>] = disposed ? [] : passed.values()
			return cannot(reason, detail)
		},
		async infer(call, context) {
			if (disposed) throw gone
			try {
				return await attempt(candidates, undefined, call, context, { follow: partsTo, also: disposal.signal })
			} catch (error) {
				throw disposed ? gone : error
			}
		},
		async dispose() {
			disposal.abort(gone)
			disposed ??= Promise.allSettled(executors.map((executor) => executor.dispose()))
			await disposed
		},
	}
}
