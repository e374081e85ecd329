// What an upstream has to do, over all its models: calls under way, calls that wait, and how long such calls take.

import { placeOf, RowQueue } from '../../../runtime/batch/queue.ts'
import type { Call } from '../../../runtime/core/call.ts'
import { bounded } from '../../../runtime/core/deadline.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Context } from '../../../runtime/core/executor.ts'
import { patience, tooLong } from '../../../runtime/overflow/plan.ts'
import { Leases } from '../../guard/leases.ts'
import { type AdaptiveLimit, adaptiveLimit } from './adaptive-limit.ts'
import { latencies } from './latencies.ts'

/** A call's leave to be sent. Each is given back, by one of these, as it ended. */
export interface Slot {
	answered(call: Call): void
	/** It was given too much, or gave no answer in time. */
	overloaded(call: Call): void
	/** Its end says nothing about the upstream. */
	over(): void
}

export interface UpstreamLoad {
	/** Calls under way. */
	readonly inFlight: number
	/** Calls that wait for others to end. */
	readonly waiting: number
	/** Calls that may be under way. */
	readonly limit: number
	/** Why no further call would be taken, if so; with the time to come back. */
	readonly full: SpillwayError | undefined
	/** Milliseconds until a call that comes now would be sent. */
	wait(): number
	/** Milliseconds that such a call takes there from sending to answer; undefined while nothing like it was answered. */
	expect(call: Call): number | undefined
	/** Whether any call was answered. */
	readonly answered: boolean
	/** When one last was, by `performance.now()`. */
	readonly answeredAt: number
	/** A slot, if there is one now. @param now by `performance.now()`; default: it is looked up. */
	take(remaining: number, now?: number): Slot | undefined
	/**
	 * A slot, when it is the call's turn.
	 * @throws SpillwayError `unavailable` when too many wait; `deadline-exceeded`, `aborted`.
	 */
	queue(context: Pick<Context, 'remaining' | 'signal' | 'priority'>): Promise<Slot>
}

export interface LoadOptions {
	/** The upstream's name. */
	readonly name: string
	/** Calls that it is given at a time, at most. Default: as many as are measured to be good. */
	readonly capacity?: number | undefined
	/** Calls that may wait. Default 1,000. */
	readonly mostWaiting?: number | undefined
	/**
	 * Whether the end of one call may wake another one. On workerd it may not (workerd issue 210): there each looks by itself whether it
	 * is its turn.
	 */
	readonly across: boolean
}

interface Waiter {
	readonly place: number
	readonly units: 1
	/** When it last looked; who has not for long has gone, without a word. */
	seen: number
	look(): void
}

/** Milliseconds between two looks, at least and at most. */
const pauses = [2, 50] as const

/** Calls at a time, those that look as if they hung included, where nothing is declared. */
const mostWithHung = 16

/** Milliseconds without a look, after which a waiter has gone. */
const gone = 1_000

export function upstreamLoad({ name, capacity, mostWaiting = 1_000, across }: LoadOptions): UpstreamLoad {
	const limit: AdaptiveLimit = adaptiveLimit({ most: capacity })
	const took = latencies()
	const slots = new Leases()
	const waiters = new RowQueue<Waiter>()

	const wait = () => (slots.size < limit.now && waiters.size === 0 ? 0 : ((waiters.size + 1) * took.usual) / limit.now)

	/** Milliseconds after which a call looks as if it hung. */
	const overdue = () => Math.max(patience, tooLong * took.usual)

	/** Places that are free. Calls that hang hold none for all their time, or a few of them would keep all others waiting. */
	function free(): number {
		const taken = slots.countUpTo(limit.now)
		if (taken < limit.now) return limit.now - taken
		return Math.max(0, Math.min(limit.now + slots.olderThan(overdue()), capacity ?? mostWithHung) - taken)
	}

	function made(remaining: number, began: number): Slot {
		const before = slots.size + 1
		const end = (then?: (milliseconds: number, inFlight: number, at: number) => void) => {
			const inFlight = Math.max(before, slots.size)
			// Given back before, or forgotten.
			if (!slots.end(lease)) return
			const at = performance.now()
			then?.(at - began, inFlight, at)
			if (across) for (const waiter of waiters.rows.slice(0, free())) waiter.look()
		}
		const lease = slots.begin(remaining, began)
		return {
			answered: (call) =>
				end((milliseconds, inFlight, at) => {
					limit.answered(took.add(call, milliseconds, at), milliseconds, inFlight, at)
				}),
			overloaded: (call) =>
				end((milliseconds) => {
					took.atLeast(call, milliseconds)
					limit.overloaded()
				}),
			over: () => end(),
		}
	}

	/** Whether it is among those whose turn it is. */
	function isNext(waiter: Waiter): boolean {
		const now = performance.now()
		if (!across) waiters.remove(waiters.rows.filter(({ seen }) => now - seen > gone))
		return waiters.rows.slice(0, free()).includes(waiter)
	}

	const tooMany = () =>
		new SpillwayError('unavailable', `${name} has ${slots.size} calls under way, and ${waiters.size} wait for it`, {
			retryAfter: Math.max(1, wait()),
		})

	return {
		get inFlight() {
			return slots.size
		},
		get waiting() {
			return waiters.size
		},
		get limit() {
			return limit.now
		},
		get full() {
			return waiters.size >= mostWaiting ? tooMany() : undefined
		},
		wait,
		expect: took.expect,
		get answered() {
			return took.usual > 0
		},
		get answeredAt() {
			return took.answeredAt
		},
		take: (remaining, now = performance.now()) => (waiters.size === 0 && free() > 0 ? made(remaining, now) : undefined),
		queue({ remaining, signal, priority }) {
			if (waiters.size >= mostWaiting) return Promise.reject(tooMany())
			const entered = performance.now()
			let timer: ReturnType<typeof setTimeout> | undefined
			let waiter: Waiter | undefined
			let given: Slot | undefined
			const turn = bounded(`the call that waited for ${name}`, { remaining, signal }, (abandoned) => {
				return new Promise<Slot>((resolve) => {
					const look = () => {
						if (abandoned.aborted || !waiter) return
						waiter.seen = performance.now()
						if (isNext(waiter)) {
							waiters.remove([waiter])
							given = made(remaining - (waiter.seen - entered), waiter.seen)
							resolve(given)
						} else {
							clearTimeout(timer)
							// Where others wake it, only those that hang do not.
							timer = setTimeout(look, across ? patience : Math.min(pauses[1], Math.max(pauses[0], took.usual / limit.now)))
						}
					}
					waiter = { place: placeOf(entered, 0, priority), units: 1, seen: entered, look }
					waiters.add(waiter)
					look()
				})
			})
			return turn
				.catch((error) => {
					// In the same moment it was given a slot, which nobody takes any more.
					given?.over()
					throw error
				})
				.finally(() => {
					clearTimeout(timer)
					if (waiter) waiters.remove([waiter])
				})
		},
	}
}
