// What all executors across a network share: time, retries, abort, health, disposal. `edge.ts` and `server.ts` add what is said and understood.

import type { Answer, Call } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Executor } from '../core/executor.ts'
import { type Breaker, breaker, isLate } from '../overflow/breaker.ts'
import { type Exchange, type Fetch, post } from './exchange.ts'
import type { Message } from './oip-binary.ts'
import { type RemotePace, remotePace } from './pace.ts'

export interface Connection {
	/** For errors and provenance. */
	readonly name: string
	/** Default: the global one. */
	readonly fetch?: Fetch | undefined
	/** Whether there is a network at all; asked at each estimate. Default: always. */
	readonly online?: (() => boolean) | undefined
}

export interface Conversation extends Pick<Executor, 'accepts'> {
	/** What an HTTP status means in an answer that is no Spillway problem. Default: `upstream`. */
	codeOf?(status: number): ErrorCode | undefined
	/** @param context `remaining` is what is left at the moment of sending. */
	request(call: Call, context: Context): { url: string; message: Message }
	/** Throws `upstream` when the answer is not what was asked for: a wrong server is an error, not a wrong answer. */
	answer(call: Call, exchange: Exchange): Answer
}

/** Makes an executor of a conversation over HTTP. What fails is passed by for a while: see `overflow/breaker.ts`. */
export function remoteExecutor(connection: Connection, { accepts, codeOf, request, answer }: Conversation): Breaker {
	const { name, fetch = (url, init) => globalThis.fetch(url, init), online } = connection
	const paces = new Map<string, RemotePace>()
	const disposal = new AbortController()
	const gone = new SpillwayError('disposed', `${name} was disposed`)

	function paceOf({ model }: Call): RemotePace {
		const pace = paces.get(model.name) ?? remotePace()
		paces.set(model.name, pace)
		return pace
	}

	return breaker({ online })({
		name,
		accepts,
		estimate: (call) => (disposal.signal.aborted ? cannot('unhealthy', gone.message) : { can: 'now', ...paceOf(call).expect(call) }),
		async infer(call, context) {
			const clock = startClock(context.remaining)
			const { retries } = context
			const settled = paceOf(call).sent(call)
			try {
				const signal = AbortSignal.any([context.signal, disposal.signal])
				const answered = await bounded(`the call to ${name}`, { ...context, signal }, async (abandoned) => {
					const { url, message } = request(call, { ...context, remaining: clock() })
					const { left } = retries
					// What was handed on and does not come back may have been spent.
					retries.left = 0
					const heard = (headers: Headers) => {
						if (!abandoned.aborted) retries.left = Math.min(left, Number(headers.get('spillway-retries') ?? left) || 0)
					}
					return answer(call, await post(url, message, { name, fetch, signal: abandoned, heard, codeOf }))
				})
				paceOf(call).answered(call, context.remaining - clock(), answered.ran)
				return answered
			} catch (thrown) {
				if (disposal.signal.aborted) throw gone
				// What is not ours is an answer that could not be understood.
				const error = SpillwayError.from(thrown, 'upstream', `${name}: `)
				if (error.code === 'deadline-exceeded' || isLate(context)) paceOf(call).waited(call, context.remaining - clock())
				throw error
			} finally {
				settled()
			}
		},
		async dispose() {
			disposal.abort()
		},
	})
}
