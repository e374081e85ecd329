// What all executors across a network share: time, abort, health, disposal. `edge.ts` and `server.ts` add what is said and understood.

import type { Answer, Call } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context, Executor } from '../core/executor.ts'
import { type Exchange, type Fetch, post } from './exchange.ts'
import { sizeOf, trackHealth } from './health.ts'
import type { Message } from './oip.ts'

export interface Connection {
	/** For errors and provenance. */
	readonly name: string
	/** Default: the global one. */
	readonly fetch?: Fetch | undefined
	/** Whether there is a network at all; asked at each estimate. Default: always. */
	readonly online?: (() => boolean) | undefined
}

export interface Conversation extends Pick<Executor, 'accepts'> {
	/** Why this server cannot answer the call, if it cannot (`unsupported`). */
	refuse?(call: Call): string | undefined
	/** @param context `remaining` is what is left at the moment of sending. */
	request(call: Call, context: Context): { url: string; message: Message }
	/** Throws `upstream` when the answer is not what was asked for: a wrong server is an error, not a wrong answer. */
	answer(call: Call, exchange: Exchange, context: Context): Answer
}

/** Makes an executor of a conversation over HTTP. */
export function remoteExecutor(connection: Connection, conversation: Conversation): Executor {
	const { name, fetch = (url, init) => globalThis.fetch(url, init), online = () => true } = connection
	const health = trackHealth(name)
	const disposal = new AbortController()
	const gone = () => new SpillwayError('disposed', `${name} was disposed`)

	return {
		name,
		accepts: conversation.accepts,
		estimate(call) {
			const no = (reason: 'unhealthy' | 'unsupported', detail: string) => ({ can: 'no', reason, detail, queue: 0, run: 0 }) as const
			if (disposal.signal.aborted) return no('unhealthy', gone().message)
			const refusal = conversation.refuse?.(call)
			if (refusal !== undefined) return no('unsupported', refusal)
			return online() ? health.estimate(sizeOf(call)) : no('unhealthy', 'there is no network')
		},
		async infer(call, context) {
			if (disposal.signal.aborted) throw gone()
			const refusal = conversation.refuse?.(call)
			if (refusal !== undefined) throw new SpillwayError('unsupported', refusal)
			const clock = startClock(context.remaining)
			const started = performance.now()
			try {
				const signal = AbortSignal.any([context.signal, disposal.signal])
				const answer = await bounded(`the call to ${name}`, { remaining: context.remaining, signal }, async (abandoned) => {
					const { url, message } = conversation.request(call, { ...context, remaining: clock() })
					return conversation.answer(call, await post(url, message, { name, fetch, signal: abandoned }), context)
				})
				health.answered(sizeOf(call), performance.now() - started)
				return answer
			} catch (thrown) {
				if (disposal.signal.aborted) throw gone()
				const error = SpillwayError.from(thrown)
				health.failed(error)
				// It takes at least as long as was waited.
				if (error.code === 'deadline-exceeded') health.answered(sizeOf(call), performance.now() - started)
				throw error
			}
		},
		async dispose() {
			disposal.abort()
		},
	}
}
