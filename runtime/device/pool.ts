// Session workers as one executor: a queue, workers that take from it, replacement of those that die or do not come back.

import type { Answer, Call } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context, Estimate, Executor } from '../core/executor.ts'
import { PaceMeter } from '../session/pace.ts'
import type { Member } from './member.ts'

export interface PoolOptions {
	name: string
	/** Workers; each computes one call at a time. */
	size: number
	/** Starts a worker; asked again to replace one. */
	start(signal: AbortSignal): Promise<Member>
	/** Work of a call, to learn how long calls take. */
	work(call: Call): number
	/** Milliseconds that a worker may go on with a call that nobody waits for any more, before it is replaced. Default: 10,000. */
	grace?: number
	/** Told when the estimate may have changed. */
	onChange?(): void
	/** Told when the pool cannot go on. */
	onFailed?(error: SpillwayError): void
}

/** More workers than this lost within `calm` milliseconds, and the pool gives up. */
const mostLosses = 3
const calm = 60_000

interface Job {
	readonly call: Call
	readonly context: Context
	readonly entered: number
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

interface Seat {
	/** None while it is being replaced. */
	member: Member | undefined
	job: Job | undefined
	since: number
}

/**
 * Starts the workers.
 *
 * @returns an executor of tensor calls. A call whose worker dies is run once more; then `worker-lost`.
 * @throws what `start` throws.
 */
export async function createPool(options: PoolOptions): Promise<Executor> {
	const { name, size, start, work, grace = 10_000, onChange = () => {}, onFailed = () => {} } = options
	const disposal = new AbortController()
	const meter = new PaceMeter()
	let queue: Job[] = []
	let losses: number[] = []
	/** Why the pool cannot go on. */
	let failed: SpillwayError | undefined

	const seats: Seat[] = Array.from({ length: size }, () => ({ member: undefined, job: undefined, since: 0 }))
	try {
		await Promise.all(seats.map(fill))
	} catch (error) {
		close(SpillwayError.from(error))
		throw error
	}

	async function fill(seat: Seat): Promise<void> {
		const member = await start(disposal.signal)
		if (failed) return member.end(failed)
		seat.member = member
		member.over.addEventListener('abort', () => lost(seat, member))
		// It may have died on the way here.
		if (member.over.aborted) lost(seat, member)
	}

	function lost(seat: Seat, member: Member): void {
		if (seat.member !== member || failed) return
		seat.member = undefined
		losses = [...losses.filter((time) => performance.now() - time < calm), performance.now()]
		if (losses.length > mostLosses) close(new SpillwayError('worker-lost', `${losses.length} session workers ended within a minute`))
		else
			fill(seat).then(next, (error) => {
				if (!failed) close(SpillwayError.from(error))
			})
		onChange()
	}

	function close(error: SpillwayError): void {
		failed = error
		disposal.abort(error)
		for (const { member } of seats) member?.end(error)
		const rest = queue
		queue = []
		for (const job of rest) job.reject(error)
		if (error.code !== 'disposed') onFailed(error)
		onChange()
	}

	function next(): void {
		for (const seat of seats) if (seat.member && !seat.job && queue.length > 0) run(seat, seat.member, queue.shift() as Job)
		onChange()
	}

	async function run(seat: Seat, member: Member, job: Job): Promise<void> {
		seat.job = job
		seat.since = performance.now()
		const waited = seat.since - job.entered
		let patience: ReturnType<typeof setTimeout> | undefined
		const abandon = () => {
			patience = setTimeout(() => member.end(new SpillwayError('worker-lost', 'the session worker did not come back')), grace)
		}
		job.abandoned.addEventListener('abort', abandon, { once: true })
		try {
			const answer = await member.ask(job.call, { ...job.context, remaining: job.left(), signal: job.abandoned })
			if (answer.ran.run !== null) meter.add(work(job.call), answer.ran.run)
			job.resolve({ ...answer, ran: { ...answer.ran, queue: waited + (answer.ran.queue ?? 0) } })
		} catch (error) {
			if (member.over.aborted && !failed && !job.replayed && !job.abandoned.aborted) {
				job.replayed = true
				queue.unshift(job)
			} else job.reject(error)
		} finally {
			clearTimeout(patience)
			job.abandoned.removeEventListener('abort', abandon)
			seat.job = undefined
			next()
		}
	}

	/** Milliseconds until a call that comes now would begin. */
	function wait(): number {
		const now = performance.now()
		const running = seats.map(({ job, since }) => {
			if (!job) return 0
			// One that is overdue may take as long again.
			const elapsed = now - since
			return elapsed < job.expected ? job.expected - elapsed : elapsed
		})
		const waiting = queue.reduce((sum, { expected }) => sum + expected, 0)
		if (waiting === 0) return Math.min(...running)
		return (running.reduce((sum, time) => sum + time, 0) + waiting) / size
	}

	return {
		name,
		accepts: ['tensors'],
		estimate(call): Estimate {
			if (failed) return { can: 'no', reason: 'unhealthy', detail: failed.message, queue: 0, run: 0 }
			if (!seats.some(({ member }) => member))
				return { can: 'loading', reason: 'unhealthy', detail: 'the session worker is being replaced', queue: 0, run: 0 }
			return { can: 'now', queue: wait(), run: meter.expect(work(call)) }
		},
		infer: (call, context) =>
			bounded(`the call on ${name}`, context, (abandoned) => {
				if (failed) return Promise.reject(failed)
				return new Promise<Answer>((resolve, reject) => {
					if (abandoned.aborted) return
					const expected = meter.expect(work(call))
					const left = startClock(context.remaining)
					const job: Job = { call, context, entered: performance.now(), expected, abandoned, left, replayed: false, resolve, reject }
					abandoned.addEventListener('abort', () => {
						queue = queue.filter((other) => other !== job)
						onChange()
					})
					queue.push(job)
					next()
				})
			}),
		async dispose() {
			if (!failed) close(new SpillwayError('disposed', `${name} was disposed`))
		},
	}
}
