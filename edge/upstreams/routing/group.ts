// The upstreams of a model as one executor: whom a call goes to, what is tried again, what is asked of several at once.

import type { Answer, Call, Overflow } from '../../../runtime/core/call.ts'
import { aborted, startClock } from '../../../runtime/core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../../../runtime/core/error.ts'
import { type Context, cannot, type Estimate, type Executor } from '../../../runtime/core/executor.ts'
import { markTimed } from '../../../runtime/core/timed.ts'
import { attempt, sleepHere } from '../../../runtime/overflow/loop.ts'
import { partsTo } from '../../../runtime/overflow/parts.ts'
import { estimate, finish } from '../../../runtime/overflow/plan.ts'
import { overflowReason } from '../../../runtime/overflow/reason.ts'
import { ordered, type Preference } from './choice.ts'
import type { Cutting } from './cutting.ts'
import { alikeFor, hedged } from './hedge.ts'
import type { Member } from './member.ts'
import { sharedRetries } from './retry-budget.ts'
import { type Share, shares } from './shares.ts'

export interface RoutingOptions {
	readonly prefer: Preference
	/** Milliseconds after which a second upstream is asked as well, or `auto`: twice the time that was expected. Default: never. */
	readonly hedge?: number | 'auto' | undefined
	/** Rows from which on a call is divided among upstreams. Default: never. */
	readonly split?: number | undefined
	readonly cutting: Cutting
	/** A number from 0 to 1. */
	readonly random?: (() => number) | undefined
}

/** What may be over in a moment, also where there is nobody else to ask. */
const passing: readonly ErrorCode[] = ['network', 'unavailable', 'worker-lost', 'rate-limited']

/** Milliseconds before everyone is asked again, and at most: who is down for longer is down. */
const firstPause = 40
const longestPause = 250

/** Part of the rows from which on a call is divided that each part has at least. */
const leastShare = 8

/**
 * Makes one executor of several upstreams. It owns them: `dispose` disposes all.
 *
 * A call goes to the better one of two (see `choice.ts`), and from there through the overflow loop over the others. When all have failed by
 * what may be over in a moment, they are asked once more after a random part of some 40 ms, then of twice as long, each time for one retry.
 * What all calls spend on retries is bounded together (see `retry-budget.ts`).
 *
 * @param name what errors and estimates call it where it has several members.
 */
export function routed(name: string, members: readonly Member[], options: RoutingOptions): Executor {
	const { prefer, hedge, split, cutting, random = Math.random } = options
	const retries = sharedRetries()
	const [only] = members
	const ownName = only && members.length === 1 ? only.executor.name : name
	const gone = () => new SpillwayError('disposed', `${ownName} was disposed`)
	let disposed: Promise<unknown> | undefined

	/** @param first who is asked first, if that is decided, as it is for parts: no other variant answers them. */
	async function one(call: Call, context: Context, first?: Member): Promise<Answer> {
		const among = first ? members.filter(({ variant }) => variant === first.variant) : members
		const clock = startClock(context.remaining)
		const passed: Overflow[] = []
		let begun = false
		const emit: Context['emit'] =
			context.emit &&
			((part) => {
				begun = true
				return context.emit?.(part) as Promise<void>
			})
		for (let round = 0; ; round++) {
			const chosen = ordered(among, call, prefer, random)
			const order = (first ? [first, ...chosen.filter((member) => member !== first)] : chosen).map(({ executor }) => executor)
			try {
				const answer = await ask(order, call, { ...context, emit, remaining: round === 0 ? context.remaining : clock() })
				return passed.length === 0 ? answer : { ...answer, ran: { ...answer.ran, overflow: [...passed, ...answer.ran.overflow] } }
			} catch (thrown) {
				const error = SpillwayError.from(thrown)
				const pause = Math.max(error.retryAfter ?? 0, firstPause * 2 ** round * (0.5 + random() / 2))
				const again = passing.includes(error.code) && pause <= Math.min(longestPause, clock() / 4)
				if (!again || begun || disposed || context.signal.aborted || context.retries.left <= 0) throw thrown
				context.retries.left--
				passed.push({
					executor: ownName,
					reason: overflowReason(error) ?? 'unhealthy',
					detail: `${error.code}: ${error.message}`,
				})
				await pauseFor(pause, context.signal)
			}
		}
	}

	function ask(order: readonly Executor[], call: Call, context: Context): Promise<Answer> {
		const [first] = order as [Executor]
		if (order.length === 1) return alone(first, call, context)
		if (hedge === undefined || context.emit)
			return attempt(
				order.map((executor) => ({ executor })),
				undefined,
				call,
				context,
				{ sleep: sleepHere, follow: partsTo, timed: markTimed, alike: alikeFor(call) },
			)
		return hedged(order, call, context, hedge === 'auto' ? Math.max(10, 2 * finish(estimate(first, call))) : hedge)
	}

	/** The parts that a call is worth being cut into; none for most. */
	function partsOf(call: Call): readonly Share<Member>[] {
		if (split === undefined || members.length < 2) return []
		const rows = cutting.rows(call)
		if (rows < split) return []
		const chosen = ordered(members, call, prefer, random)
		const [best] = chosen
		const able = chosen.filter(
			({ executor, variant, cost }) =>
				variant === best?.variant && (prefer !== 'cost' || cost === best?.cost) && estimate(executor, call).can === 'now',
		)
		const speeds = able.map((member) => {
			const { queue, run } = estimate(member.executor, call)
			return { member, queue, speed: member.load.answered && run > 0 ? rows / run : null }
		})
		return shares(rows, speeds, Math.max(1, split / leastShare))
	}

	/** All parts at once; each that fails is done elsewhere, by the loop. */
	async function together(call: Call, parts: readonly Share<Member>[], context: Context): Promise<Answer> {
		const stop = new AbortController()
		const signal = AbortSignal.any([context.signal, stop.signal])
		let from = 0
		const asked = parts.map(({ member, rows }) => {
			const part = cutting.cut(call, from, from + rows)
			from += rows
			return one(part, { ...context, signal }, member)
		})
		try {
			return cutting.join(
				await Promise.all(asked),
				parts.map(({ rows }) => rows),
			)
		} catch (error) {
			stop.abort(new SpillwayError('aborted', 'another part of the call failed'))
			throw error
		}
	}

	return {
		name: ownName,
		accepts: [...new Set(members.flatMap(({ executor }) => executor.accepts))],
		estimate(call) {
			if (disposed) return cannot('unhealthy', gone().message)
			return members.map(({ executor }) => estimate(executor, call)).reduce(better, cannot('unsupported', `${ownName} has no upstream`))
		},
		async infer(call, context) {
			if (disposed) throw gone()
			for (const member of members) member.check(context.keep)
			const own = { ...context, retries: retries.call(context.retries) }
			try {
				const parts = partsOf(call)
				return await (parts.length > 1 ? together(call, parts, own) : one(call, own))
			} catch (error) {
				throw disposed ? gone() : error
			}
		},
		async dispose() {
			disposed ??= Promise.allSettled(members.map(({ executor }) => executor.dispose()))
			await disposed
		},
	}
}

/** Nobody else to go on to: the executor's own bounds are enough. It is handed all retries but the one that asks it again. */
async function alone(executor: Executor, call: Call, context: Context): Promise<Answer> {
	const share = Math.max(0, context.retries.left - 1)
	const handed = { left: share }
	try {
		return await executor.infer(call, { ...context, retries: handed })
	} finally {
		context.retries.left -= share - handed.left
	}
}

const ranks = { now: 0, loading: 1, no: 2 }

/** The one to go by: who can, and soonest; of those that cannot, the one that says what is wrong with the upstream, not with the call. */
function better(a: Estimate, b: Estimate): Estimate {
	if (ranks[a.can] !== ranks[b.can]) return ranks[a.can] < ranks[b.can] ? a : b
	if (a.can === 'no') return a.reason === 'unsupported' ? b : a
	return finish(a) <= finish(b) ? a : b
}

/** @throws SpillwayError `aborted`. */
const pauseFor = (milliseconds: number, signal: AbortSignal): Promise<void> =>
	new Promise((resolve, reject) => {
		const onAbort = () => {
			clearTimeout(timer)
			reject(aborted(signal))
		}
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', onAbort)
			resolve()
		}, milliseconds)
		signal.addEventListener('abort', onAbort, { once: true })
	})
