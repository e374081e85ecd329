// What runs and what waits in a pool of session workers, and how long that takes.

import type { Answer, Call } from '../core/call.ts'
import type { Context } from '../core/executor.ts'
import { stillExpected } from '../session/pace.ts'
import type { Member } from './member.ts'

export interface Job {
	readonly call: Call
	readonly context: Context
	readonly entered: number
	/** As the pool's `work` tells it. */
	readonly work: number
	/** Milliseconds that it was expected to take when it came. */
	readonly expected: number
	/** Aborts when the caller has its answer or no longer wants one. */
	readonly abandoned: AbortSignal
	/** Milliseconds left. */
	left(): number
	/** Set when its worker died: it is run again once. */
	replayed: boolean
	resolve(answer: Answer): void
	reject(error: unknown): void
}

/** A worker that is there. */
export interface Seat {
	readonly member: Member
	job: Job | undefined
	/** When it was given its job, or was done with the last. */
	since: number
	/** Ends it after it had nothing to do for a while. */
	rest: ReturnType<typeof setTimeout> | undefined
}

/** Milliseconds until a call that comes now would begin; there must be a worker. */
export function waitingTime(seats: readonly Seat[], queue: readonly Job[]): number {
	const now = performance.now()
	const running = seats.map(({ job, since }) => (job ? stillExpected(job.expected, now - since) : 0))
	const waiting = queue.reduce((sum, { expected }) => sum + expected, 0)
	if (waiting === 0) return Math.min(...running)
	return (running.reduce((sum, time) => sum + time, 0) + waiting) / seats.length
}
