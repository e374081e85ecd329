// What all executors across a network share: time, retries, abort, health, disposal. `edge.ts` and `server.ts` add what is said and understood.

import { Bag, type Held } from '../core/bag.ts'
import type { Answer, Call, Part } from '../core/call.ts'
import { type GiveUp, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Executor } from '../core/executor.ts'
import { boundedWithin } from '../core/timed.ts'
import { type Breaker, breaker, isLate } from '../overflow/breaker.ts'
import { defaultStall, eventsOf, withinStall } from './events.ts'
import { type Answered, type Exchange, type Fetch, post, type ReadHeaders, whole } from './exchange.ts'
import type { Message } from './oip-binary.ts'
import { type RemotePace, remotePace } from './pace.ts'

export interface Connection {
	/** For errors and provenance. */
	readonly name: string
	/** Default: the global one. */
	readonly fetch?: Fetch | undefined
	/** Whether there is a network at all; asked at each estimate. Default: always. */
	readonly online?: (() => boolean) | undefined
	/** Most milliseconds until the first part of an answer that comes in parts, and between two of them. Default 30,000. */
	readonly stall?: number | undefined
}

/** An answer that comes in parts. */
export interface Streamed {
	readonly headers: ReadHeaders
	/** The data of each event, as it comes; throws when the server breaks off or falls silent. */
	readonly events: AsyncIterable<string>
}

export interface Conversation extends Pick<Executor, 'accepts'> {
	/** What an HTTP status means in an answer that is no Spillway problem. Default: `upstream`. */
	codeOf?(status: number): ErrorCode | undefined
	/** @param context `remaining` is what is left at the moment of sending; with `emit`, the answer may come as server-sent events. */
	request(call: Call, context: Context): { url: string; message: Message }
	/** Throws `upstream` when the answer is not what was asked for: a wrong server is an error, not a wrong answer. */
	answer(call: Call, exchange: Exchange): Answer
	/** Reads server-sent events, and emits each part. Throws as `answer`. Default: whatever comes is read whole. */
	stream?(call: Call, streamed: Streamed, emit: (part: Part) => Promise<void>): Promise<Answer>
}

const isEvents = ({ headers }: Answered): boolean => /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')

/** That the caller cannot take a part is not the server's fault. */
function notTaken(cause: unknown): never {
	throw SpillwayError.from(cause, 'aborted', 'a part of the answer was not taken: ')
}

/** Makes an executor of a conversation over HTTP. What fails is passed by for a while: see `overflow/breaker.ts`. */
export function remoteExecutor(connection: Connection, { accepts, codeOf, request, answer, stream }: Conversation): Breaker {
	const { name, fetch = (url, init) => globalThis.fetch(url, init), online, stall = defaultStall } = connection
	const paces = new Map<string, RemotePace>()
	/** What ends the calls under way. */
	const underWay = new Bag<GiveUp>()
	let disposed = false
	const gone = () => new SpillwayError('disposed', `${name} was disposed`)

	function paceOf({ model }: Call): RemotePace {
		const pace = paces.get(model.name) ?? remotePace()
		paces.set(model.name, pace)
		return pace
	}

	return breaker({ online })({
		name,
		accepts,
		estimate: (call) => (disposed ? cannot('unhealthy', gone().message) : { can: 'now', ...paceOf(call).expect(call) }),
		async infer(call, context) {
			const clock = startClock(context.remaining)
			const { retries } = context
			const settled = paceOf(call).sent(call)
			/** Milliseconds that the caller took for the parts; null before the first. */
			let taken: number | null = null
			const emit =
				stream &&
				context.emit &&
				(async (part: Part) => {
					const emitted = performance.now()
					taken ??= 0
					await context.emit?.(part).catch(notTaken)
					taken += performance.now() - emitted
				})
			let held: Held<GiveUp> | undefined
			try {
				if (disposed) throw gone()
				const work = async (abandoned: AbortSignal, giveUp: GiveUp) => {
					held = underWay.put(giveUp)
					const { url, message } = request(call, { ...context, remaining: clock(), emit })
					const { left } = retries
					// What was handed on and does not come back may have been spent.
					retries.left = 0
					const heard = (headers: ReadHeaders) => {
						if (!abandoned.aborted) retries.left = Math.min(left, Number(headers.get('spillway-retries') ?? left) || 0)
					}
					const options = { name, fetch, signal: abandoned, heard, codeOf }
					if (!stream || !emit) return answer(call, await whole(name, await post(url, message, options)))
					const over = new AbortController()
					const signal = AbortSignal.any([abandoned, over.signal])
					try {
						const response = await withinStall(post(url, message, { ...options, signal }), stall, { name, stall })
						if (!isEvents(response) || !response.body) return answer(call, await withinStall(whole(name, response), stall, { name, stall }))
						const events = eventsOf(response.body, { name, stall, signal: abandoned })
						return await stream(call, { headers: response.headers, events }, emit)
					} catch (error) {
						over.abort(error)
						throw error
					}
				}
				const answered = await boundedWithin(`the call to ${name}`, context, work)
				paceOf(call).answered(call, context.remaining - clock() - (taken ?? 0), answered.ran)
				return answered
			} catch (thrown) {
				if (disposed) throw gone()
				// What is not ours is an answer that could not be understood.
				const error = SpillwayError.from(thrown, 'upstream', `${name}: `)
				const late = error.code === 'deadline-exceeded' || isLate(context)
				if (late && taken === null) paceOf(call).waited(call, context.remaining - clock())
				throw error
			} finally {
				if (held) underWay.take(held)
				settled()
			}
		},
		async dispose() {
			disposed = true
			for (const giveUp of underWay.things) giveUp(gone())
		},
	})
}
