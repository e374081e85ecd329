// The attempt loop: asks one executor after another until one answers. The same in the page and at the edge.

import type { Answer, Call, Overflow } from '../core/call.ts'
import { bounded, deadlineExceeded, type GiveUp, overAlready, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { accepts, type Context, cannot, type Estimate, type Executor } from '../core/executor.ts'
import { partsTo } from './parts.ts'
import { type Candidate, estimate, finish, overdue, plan } from './plan.ts'
import { allows, type Policy } from './policy.ts'
import { overflowReason } from './reason.ts'

/** Calls `wake` after so many milliseconds; the returned function takes that back. */
export type Sleep = (milliseconds: number, wake: () => void) => () => void

/** By a timer; in a hidden page those are late. */
export const sleepHere: Sleep = (milliseconds, wake) => {
	const timer = setTimeout(wake, milliseconds)
	return () => clearTimeout(timer)
}

export interface AttemptOptions {
	/** For the looks at who else could answer. Default: there are none, and no attempt is given up for another one. */
	readonly sleep?: Sleep | undefined
	/** Watches over the parts of attempts; not needed where one candidate at most has any to give, as in a page. */
	readonly follow?: typeof partsTo | undefined
	/** Where there are several candidates, told of the signal of each attempt before it is made: it is aborted when so many milliseconds are over, if not before. */
	readonly timed?: ((signal: AbortSignal, remaining: number) => void) | undefined
	/** Given where candidates are much the same: none is nearer, and an attempt is given up only for one of which this is true. */
	readonly alike?: ((other: Executor) => boolean) | undefined
}

/**
 * Answers a call by the first candidate that can, in the policy's order.
 *
 * What another executor may cure (network, memory, a lost worker, …) goes on to the next one, each further attempt for one retry of the
 * context's budget; what is the caller's fault (`invalid-input`), abort, deadline, and what fails with less than 20 ms left do not. When the
 * time left comes down to what the next executor is expected to need, and the attempt under way takes longer than was expected, or than the
 * next one would, it is aborted and the next one asked; before that, when it takes three times as long as was expected, and a second at least,
 * while one nearer to the user could answer now. Once an attempt has emitted a part of its answer, it is the only one: its error is the call's.
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
export async function attempt(
	candidates: readonly Candidate[],
	policy: Policy | undefined,
	call: Call,
	context: Context,
	{ sleep, follow, timed, alike }: AttemptOptions = {},
): Promise<Answer> {
	const what = `the call to ${call.model.name}`
	const { retries, signal } = context
	const parts = follow?.(context)
	const [only] = candidates
	// Who is alone is asked whatever it expects; its answer and its error are the call's.
	if (only && candidates.length === 1 && allows(policy, only.role) && accepts(only.executor, call)) {
		return bounded(what, context, (own) => only.executor.infer(call, { ...context, ...parts?.next(() => [], own), signal: own }))
	}
	const over = overAlready(what, context.remaining, signal)
	if (over) throw over
	const clock = startClock(context.remaining)
	const failed = new Map<Candidate, Overflow>()
	const errors: SpillwayError[] = []
	for (;;) {
		const open = candidates.filter((one) => !failed.has(one))
		const left = clock()
		const { order, passed } = plan(open, call, policy, left)
		const [candidate] = order
		const retry = failed.size > 0
		if (!candidate || (retry && retries.left <= 0)) throw unable(call, [...failed.values(), ...passed.values()], errors)
		if (retry) retries.left--
		const { executor } = candidate
		const place = candidates.indexOf(candidate)
		const rest = open.filter((one) => one !== candidate)
		/** Who would be asked next, at this moment. */
		const nextOne = (): Next | undefined => {
			const [one] = parts?.begun ? [] : plan(rest, call, policy, clock()).order
			return one && (alike?.(one.executor) ?? true) ? [estimate(one.executor, call), !!alike || candidates.indexOf(one) < place] : undefined
		}
		const another = sleep && retries.left > 0 && rest[0]
		const share = Math.max(0, retries.left - order.length + 1)
		const handed = { left: share }
		// Who was asked in vain, and who stood nearer to the user and was not asked.
		const overflow = () => candidates.flatMap((one, i) => failed.get(one) ?? ((i < place && passed.get(one)) || []))
		let watchNoMore: (() => void) | undefined
		const ask = (own: AbortSignal, giveUp: GiveUp) => {
			timed?.(own, left)
			if (another) watchNoMore = watch(what, estimate(executor, call), nextOne, clock, sleep, giveUp)
			return executor.infer(call, { ...context, ...parts?.next(overflow, own), retries: handed, remaining: left, signal: own })
		}
		try {
			// An executor may be slow to notice the signal: it is not waited for.
			const answer = await bounded(what, { remaining: another ? Number.POSITIVE_INFINITY : left, signal }, ask)
			return { ...answer, ran: { ...answer.ran, overflow: [...overflow(), ...answer.ran.overflow] } }
		} catch (thrown) {
			const error = SpillwayError.from(thrown)
			const reason = overflowReason(error)
			if (!reason || parts?.begun || signal.aborted || clock() < nothing) throw error
			failed.set(candidate, { executor: executor.name, reason, detail: `${error.code}: ${error.message}` })
			errors.push(error)
		} finally {
			watchNoMore?.()
			retries.left -= share - handed.left
		}
	}
}

/** Milliseconds left that are as good as none: timers may be early, and some browsers' clocks go in steps of 17 ms. */
const nothing = 20

/** Milliseconds between two looks at who else could answer: one that is loading or unhealthy now may be there soon. */
const lookAgain = 250

/** What somebody else expects, and whether that one is nearer to the user. */
type Next = readonly [expected: Estimate, isNearer: boolean]

/**
 * Gives an attempt, which is about to be made, up when the next executor needs the time that is left, or none is. One timer does for both: on
 * workerd each costs as much as all of a call's estimates.
 *
 * @returns ends the watch.
 */
function watch(
	what: string,
	own: Estimate,
	nextOne: () => Next | undefined,
	clock: () => number,
	sleep: Sleep,
	giveUp: GiveUp,
): () => void {
	let wakeNoMore: (() => void) | undefined
	const begun = clock()
	// What the next one gets beside the time that it is expected to need, of which little may be known.
	const reserve = Math.min(lookAgain, begun / 8)
	const look = () => {
		const left = clock()
		const next = nextOne()
		const [expected, isNearer] = next ?? []
		const isLate = isNearer && begun - left > overdue(own)
		const spare = expected?.can !== 'now' ? lookAgain : isLate ? 0 : spareFor(finish(expected))
		if (left <= 0) giveUp(deadlineExceeded(what))
		// Not at the start, nor too late: the next one would be late itself.
		else if (wakeNoMore && spare <= 1 && spare > -reserve) giveUp(new SpillwayError('deadline-exceeded', 'too slow'))
		else wakeNoMore = sleep(Math.min(spare > 1 ? spare : lookAgain, lookAgain, left), look)
	}
	/** Milliseconds until the other needs the time that is left. While this one is as far as was expected, and the sooner of the two, it goes on. */
	const spareFor = (other: number) => {
		const left = finish(own) - begun + clock()
		return Math.max(clock() - other - reserve, left < other ? left : -Infinity)
	}
	// With time to spare the reserve covers a first look that comes later: most answers are there before it.
	if (begun > 8 * lookAgain) wakeNoMore = sleep(lookAgain, look)
	else look()
	return () => wakeNoMore?.()
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
	const gone = () => new SpillwayError('disposed', `${name} was disposed`)
	/** What ends the calls under way. */
	const stops = new Set<AbortController>()
	let disposed: Promise<unknown> | undefined
	return {
		name,
		accepts: [...new Set(executors.flatMap((executor) => executor.accepts))],
		estimate(call) {
			const [only] = executors
			if (only && executors.length === 1 && !disposed && accepts(only, call)) return estimate(only, call)
			const { order, passed } = plan(candidates, call, undefined, Number.POSITIVE_INFINITY)
			if (order[0] && !disposed) return estimate(order[0].executor, call)
			const [{ reason = 'unhealthy', detail = gone().message } = {} as Partial<Overflow>] = disposed ? [] : passed.values()
			return cannot(reason, detail)
		},
		async infer(call, context) {
			if (disposed) throw gone()
			const stop = new AbortController()
			const onAbort = () => stop.abort(context.signal.reason)
			if (context.signal.aborted) onAbort()
			// `AbortSignal.any` costs several times as much.
			context.signal.addEventListener('abort', onAbort)
			stops.add(stop)
			try {
				return await attempt(candidates, undefined, call, { ...context, signal: stop.signal }, { sleep: sleepHere, follow: partsTo })
			} catch (error) {
				throw disposed ? gone() : error
			} finally {
				context.signal.removeEventListener('abort', onAbort)
				stops.delete(stop)
			}
		},
		async dispose() {
			for (const stop of stops) stop.abort(gone())
			disposed ??= Promise.allSettled(executors.map((executor) => executor.dispose()))
			await disposed
		},
	}
}
