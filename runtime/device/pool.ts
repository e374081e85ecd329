// Session workers as one executor: as many as the work asks for, others in place of those that die or do not come back.

import type { Answer, Call, Provenance } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { cannot, type Estimate, type Executor } from '../core/executor.ts'
import { PaceMeter } from '../session/pace.ts'
import { Growth } from './growth.ts'
import type { Member } from './member.ts'
import { waitPatiently } from './patience.ts'
import { type Job, type Seat, waitingTime } from './seat.ts'

export interface PoolOptions {
	name: string
	/** Most workers; each computes one call at a time. The pool starts with one. */
	most: number
	/** Starts a worker; asked again for one beside the first, and to replace one. */
	start(signal: AbortSignal): Promise<Member>
	/** Work of a call, to learn how long calls take. */
	work(call: Call): number
	/** Milliseconds that a worker may go on with a call that nobody waits for any more, before it is replaced. Default: 10,000. */
	grace?: number
	/** Milliseconds after which a worker that has nothing to do is ended, unless it is the only one. Default: 30,000. */
	idle?: number
	/** Told when the estimate, the width or the memory may have changed. */
	onChange?(): void
	/** Told of a run that was done when nobody waited for it any more: it says how long calls take all the same. */
	onUnheard?(call: Call, ran: Provenance): void
	/** Told when the pool cannot go on. */
	onFailed?(error: SpillwayError): void
}

export interface Pool extends Executor {
	/**
	 * Workers that are there, at work or not: so many calls may be under way at a time, more would only wait in line.
	 * 1 once the pool has failed or was disposed, for then it refuses at once.
	 */
	readonly width: number
	/** Workers that are there or on their way. */
	readonly workers: number
	/** The worker that gets a call when all are free. */
	readonly first: Member | undefined
	/** Bytes of WebAssembly memory, over all workers. */
	readonly memory: number
	/** Why there are fewer workers than wanted: the last that could not be started, or that they die. */
	readonly trouble: SpillwayError | undefined
	/** Tells that calls wait, and how many milliseconds until the last of them is begun: another worker is started when that pays. */
	want(backlog: number): void
	/** Changes the most workers, at least 1. Those too many are ended when their call is done. */
	setMost(most: number): void
}

/** More workers than this lost within `calm` milliseconds, and none is replaced while others live; without others, the pool gives up. */
const mostLosses = 3
const calm = 60_000

/**
 * Starts the first worker.
 *
 * @returns an executor of tensor calls. A call goes to a worker that is free, else to the one that is free first. A call whose worker dies, or
 * does not come back, is run once more, within its deadline and without taking from its retries; then `worker-lost`. A run that the worker
 * began by itself counts.
 * @throws what `start` throws.
 */
export async function createPool(options: PoolOptions): Promise<Pool> {
	const { name, start, work, grace = 10_000, idle = 30_000, onChange = () => {}, onUnheard = () => {}, onFailed = () => {} } = options
	const disposal = new AbortController()
	const meter = new PaceMeter()
	const growth = new Growth()
	const seats: Seat[] = []
	let most = Math.max(1, options.most)
	let starting = 0
	let queue: Job[] = []
	let losses: number[] = []
	let trouble: SpillwayError | undefined
	/** Why the pool cannot go on. */
	let closed: SpillwayError | undefined

	await add(true)

	async function add(first: boolean): Promise<void> {
		const began = performance.now()
		starting++
		let member: Member
		try {
			member = await start(disposal.signal)
		} finally {
			starting--
		}
		if (closed) return member.end(closed)
		growth.started(performance.now() - began, first)
		const seat: Seat = { member, job: undefined, since: performance.now(), rest: undefined }
		seats.push(seat)
		member.over.addEventListener('abort', () => lost(seat), { once: true })
		// It may have died on the way here.
		if (member.over.aborted) return lost(seat)
		trouble = undefined
		if (!first) next()
	}

	function grow(): void {
		add(false).catch((error) => {
			if (closed) return
			trouble = SpillwayError.from(error)
			growth.failed()
			if (seats.length + starting === 0) close(trouble)
			else onChange()
		})
		onChange()
	}

	function want(backlog: number): void {
		if (closed || seats.length + starting >= most || seats.some(({ job }) => !job)) return
		if (growth.pays(backlog, seats.length, starting)) grow()
	}

	function lost(seat: Seat): void {
		if (closed || !leave(seat)) return
		losses = [...losses.filter((time) => performance.now() - time < calm), performance.now()]
		if (losses.length > mostLosses) {
			trouble = new SpillwayError('worker-lost', `${losses.length} session workers ended within a minute`, {
				cause: seat.member.over.reason,
			})
			growth.failed()
		}
		const alone = seats.length + starting === 0
		if (alone && losses.length > mostLosses && trouble) close(trouble)
		else if (alone || (seat.job && !growth.paused)) grow()
		else onChange()
	}

	/** @returns whether it was there. */
	function leave(seat: Seat): boolean {
		const at = seats.indexOf(seat)
		if (at < 0) return false
		clearTimeout(seat.rest)
		seats.splice(at, 1)
		return true
	}

	function retire(seat: Seat): void {
		leave(seat)
		seat.member.end(new SpillwayError('disposed', 'the session worker was not needed any more'))
	}

	function close(error: SpillwayError): void {
		closed = error
		disposal.abort(error)
		const jobs = [...seats.flatMap(({ job }) => job ?? []), ...queue]
		queue = []
		for (const seat of seats.splice(0)) {
			clearTimeout(seat.rest)
			seat.member.end(error)
		}
		for (const job of jobs) job.reject(error)
		if (error.code !== 'disposed') onFailed(error)
		onChange()
	}

	/** Gives those that are free something to do, and sees to those that stay free. */
	function next(): void {
		for (const seat of [...seats]) {
			if (seat.job) continue
			const job = seats.length > most ? undefined : queue.shift()
			if (job) run(seat, job)
			else if (seats.length > most) retire(seat)
		}
		for (const seat of seats) {
			if (seat.job || seats.length === 1) {
				clearTimeout(seat.rest)
				seat.rest = undefined
			} else seat.rest ??= idle < 2 ** 31 ? setTimeout(rested, idle, seat) : undefined
		}
		if (queue.length > 0 && seats.length > 0) want(waitingTime(seats, queue))
		onChange()
	}

	function rested(seat: Seat): void {
		if (seats.length > 1) retire(seat)
		next()
	}

	async function run(seat: Seat, job: Job): Promise<void> {
		const { member } = seat
		const started = performance.now()
		growth.took(started - seat.since)
		seat.job = job
		seat.since = started
		const stopWaiting = waitPatiently({
			abandoned: job.abandoned,
			expected: meter.expect(job.work),
			grace,
			onLost: () => member.end(new SpillwayError('worker-lost', 'the session worker did not come back')),
		})
		try {
			const answer = await member.ask(job.call, { ...job.context, remaining: job.left(), signal: job.abandoned })
			if (answer.ran.run !== null) meter.add(job.work, answer.ran.run)
			if (job.abandoned.aborted) onUnheard(job.call, answer.ran)
			job.resolve({ ...answer, ran: { ...answer.ran, queue: started - job.entered + (answer.ran.queue ?? 0) } })
		} catch (error) {
			// Whether another worker, which had begun it by itself, was lost as well: this run was the replay.
			const lostBefore = job.context.begunBy !== member.over && job.context.begunBy?.aborted
			if (member.over.aborted && !closed && !job.replayed && !lostBefore && !job.abandoned.aborted) {
				job.replayed = true
				queue.unshift(job)
			} else job.reject(error)
		} finally {
			stopWaiting()
			seat.job = undefined
			seat.since = performance.now()
			if (!closed) next()
		}
	}

	return {
		name,
		accepts: ['tensors'],
		get width() {
			return closed ? 1 : seats.length
		},
		get workers() {
			return seats.length + starting
		},
		get first() {
			return seats[0]?.member
		},
		get memory() {
			return seats.reduce((sum, { member }) => sum + member.memory, 0)
		},
		get trouble() {
			return trouble
		},
		want,
		setMost(value) {
			most = Math.max(1, value)
			if (!closed) next()
		},
		estimate(call): Estimate {
			if (closed) return cannot('unhealthy', closed.message)
			if (seats.length === 0)
				return { can: 'loading', reason: 'unhealthy', detail: 'the session worker is being replaced', queue: 0, run: 0 }
			return { can: 'now', queue: waitingTime(seats, queue), run: meter.expect(work(call)) }
		},
		infer: (call, context) =>
			bounded(`the call on ${name}`, context, (abandoned) => {
				if (closed) return Promise.reject(closed)
				return new Promise<Answer>((resolve, reject) => {
					if (abandoned.aborted) return
					// Once, for it reads all inputs.
					const size = work(call)
					const job: Job = {
						call,
						context,
						entered: performance.now(),
						work: size,
						expected: meter.expect(size),
						abandoned,
						left: startClock(context.remaining),
						replayed: false,
						resolve,
						reject,
					}
					abandoned.addEventListener('abort', () => {
						queue = queue.filter((other) => other !== job)
						onChange()
					})
					queue.push(job)
					next()
				})
			}),
		async dispose() {
			if (!closed) close(new SpillwayError('disposed', `${name} was disposed`))
		},
	}
}
