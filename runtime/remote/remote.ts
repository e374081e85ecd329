// What all executors across a network share: time, abort, health, disposal. `edge.ts` and `server.ts` add what is said and understood.

import type { Answer, Call } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Executor } from '../core/executor.ts'
import { type Exchange, type Fetch, post } from './exchange.ts'
import { trackHealth } from './health.ts'
import type { Message } from './oip-binary.ts'

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

/** Makes an executor of a conversation over HTTP. */
export function remoteExecutor(connection: Connection, { accepts, codeOf, request, answer }: Conversation): Executor {
	const { name, fetch = (url, init) => globalThis.fetch(url, init), online } = connection
	const health = trackHealth()
	const disposal = new AbortController()
	const gone = new SpillwayError('disposed', `${name} was disposed`)

	return {
		name,
		accepts,
		estimate(call) {
			if (disposal.signal.aborted) return cannot('unhealthy', gone.message)
			return online?.() === false ? cannot('unhealthy', 'offline') : health.estimate(call)
		},
		async infer(call, context) {
			const clock = startClock(context.remaining)
			try {
				const signal = AbortSignal.any([context.signal, disposal.signal])
				const answered = await bounded(`the call to ${name}`, { ...context, signal }, async (abandoned) => {
					const { url, message } = request(call, { ...context, remaining: clock() })
					return answer(call, await post(url, message, { name, fetch, signal: abandoned, codeOf }))
				})
				health.answered(call, context.remaining - clock())
				return answered
			} catch (thrown) {
				if (disposal.signal.aborted) throw gone
				// What is not ours is an answer that could not be understood.
				const error = SpillwayError.from(thrown, 'upstream', `${name}: `)
				// Given up for the next executor's sake: it had time, and did not answer.
				const late = context.signal.reason?.cause?.code === 'deadline-exceeded' && clock() > 2
				health.failed(late ? { code: 'unavailable' } : error)
				// It takes at least as long as was waited.
				if (error.code === 'deadline-exceeded') health.answered(call, context.remaining - clock())
				throw error
			}
		},
		async dispose() {
			disposal.abort()
		},
	}
}
