// The attempt loop: asks one executor after another until one answers. The same in the page and at the edge.

import type { Answer, Call, Overflow } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import type { Context, Executor } from '../core/executor.ts'
import { type Candidate, estimate, finish, type Passed, type Policy, plan } from './plan.ts'
import { overflowReason } from './reason.ts'

/** A candidate that was asked and could not answer. */
interface Failed extends Passed {
	readonly error: SpillwayError
}

/**
 * Answers a call by the first candidate that can, nearest to the user first.
 *
 * What another executor may cure (network, memory, a lost worker, …) goes on to the next one, each further attempt for one retry of the
 * context's budget; what is the caller's fault (`invalid-input`), abort and deadline do not. When the time left comes down to what the next
 * executor is expected to need, the attempt under way is aborted and the next one asked.
 *
 * @param policy excludes candidates by role; default: all may be asked.
 * @returns the answer, whose provenance tells all that were passed by, and why.
 * @throws SpillwayError `invalid-input`, `aborted`, `deadline-exceeded`; else the error of the only candidate that was asked, or one that
 *   names each candidate with its reason: with their common code, or `unavailable`.
 */
export function attempt(candidates: readonly Candidate[], policy: Policy | undefined, call: Call, context: Context): Promise<Answer> {
	return bounded(`the call to ${call.model.name}`, context, async (abandoned) => {
		const clock = startClock(context.remaining)
		const failed: Failed[] = []
		for (;;) {
			const left = candidates.filter((candidate) => !failed.some((one) => one.candidate === candidate))
			const { order, passed } = plan(left, call, policy, clock())
			const [candidate, next] = order
			const retry = failed.length > 0
			if (!candidate || (retry && context.retries.left <= 0)) throw unable(call, candidates, passed, failed)
			if (retry) context.retries.left--
			try {
				const answer = await once(candidate, next, call, context, clock, abandoned)
				return withOverflow(answer, candidate, candidates, passed, failed)
			} catch (thrown) {
				const error = thrown instanceof MovedOn ? thrown.error : SpillwayError.from(thrown)
				const reason = overflowReason(error)
				if (!reason || abandoned.aborted || clock() <= 0) throw error
				failed.push({ candidate, reason, detail: `${error.code}: ${error.message}`, error })
			}
		}
	})
}

/** The attempt was given up for the next executor's sake. */
class MovedOn {
	readonly error: SpillwayError
	constructor(executor: Executor) {
		this.error = new SpillwayError('deadline-exceeded', `${executor.name} had not answered when the next executor needed the time left`)
	}
}

async function once(
	{ executor }: Candidate,
	next: Candidate | undefined,
	call: Call,
	context: Context,
	clock: () => number,
	abandoned: AbortSignal,
): Promise<Answer> {
	const stop = new AbortController()
	const onAbandoned = () => stop.abort(abandoned.reason)
	abandoned.addEventListener('abort', onAbandoned, { once: true })
	let timer: ReturnType<typeof setTimeout> | undefined
	const watch = () => {
		if (!next || context.retries.left <= 0) return
		const expected = estimate(next.executor, call)
		const spare = clock() - finish(expected)
		// The next one would be late itself: better to wait here.
		if (expected.can !== 'now' || clock() <= 0) return
		if (spare > 1) timer = setTimeout(watch, Math.min(spare, 2 ** 31 - 1))
		else if (timer !== undefined) stop.abort(new MovedOn(executor))
	}
	watch()
	try {
		// An executor may be slow to notice the signal: it is not waited for.
		return await bounded(executor.name, { remaining: clock(), signal: stop.signal }, (signal) =>
			executor.infer(call, { ...context, remaining: clock(), signal }),
		)
	} catch (error) {
		throw stop.signal.aborted && stop.signal.reason instanceof MovedOn ? stop.signal.reason : error
	} finally {
		clearTimeout(timer)
		abandoned.removeEventListener('abort', onAbandoned)
	}
}

/** Adds who was asked in vain, and who stood nearer to the user and was not asked. */
function withOverflow(
	answer: Answer,
	candidate: Candidate,
	candidates: readonly Candidate[],
	passed: readonly Passed[],
	failed: readonly Failed[],
): Answer {
	const place = candidates.indexOf(candidate)
	const before = candidates.flatMap((one, i): Overflow[] => {
		const why = failed.find((other) => other.candidate === one) ?? (i < place ? passed.find((other) => other.candidate === one) : undefined)
		if (!why) return []
		const { reason, detail } = why
		return [{ executor: one.executor.name, reason, ...(detail !== undefined && { detail }) }]
	})
	return { ...answer, ran: { ...answer.ran, overflow: [...before, ...answer.ran.overflow] } }
}

function unable(call: Call, candidates: readonly Candidate[], passed: readonly Passed[], failed: readonly Failed[]): SpillwayError {
	const errors = failed.map(({ error }) => error)
	if (errors[0] && candidates.length === 1) return errors[0]
	const stories = [...failed, ...passed].map(
		({ candidate, reason, detail }) => `${candidate.executor.name} (${reason}${detail === undefined ? '' : `: ${detail}`})`,
	)
	const retries = errors.flatMap(({ retryAfter }) => retryAfter ?? [])
	return new SpillwayError(bestCode(failed), `no executor could answer ${call.model.name}: ${stories.join('; ') || 'there is none'}`, {
		...(errors.length > 0 && { cause: errors.at(-1) }),
		...(retries.length > 0 && { retryAfter: Math.min(...retries) }),
	})
}

/** The code that all share, apart from those that could never have answered. */
function bestCode(failed: readonly Failed[]): ErrorCode {
	const curable = failed.filter(({ reason }) => reason !== 'unsupported')
	const [code, ...others] = new Set((curable.length > 0 ? curable : failed).map(({ error }) => error.code))
	return code && others.length === 0 ? code : 'unavailable'
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
	let disposed: Promise<unknown> | undefined
	return {
		name,
		accepts: [...new Set(executors.flatMap((executor) => executor.accepts))],
		estimate(call) {
			const { order, passed } = plan(candidates, call, undefined, Number.POSITIVE_INFINITY)
			if (order[0] && !disposed) return estimate(order[0].executor, call)
			const { reason = 'unhealthy', detail = gone().message } = (!disposed && passed[0]) || {}
			return { can: 'no', reason, detail, queue: 0, run: 0 }
		},
		async infer(call, context) {
			if (disposed) throw gone()
			try {
				return await attempt(candidates, undefined, call, context)
			} catch (error) {
				throw disposed ? gone() : error
			}
		},
		async dispose() {
			disposed ??= Promise.allSettled(executors.map((executor) => executor.dispose()))
			await disposed
		},
	}
}
