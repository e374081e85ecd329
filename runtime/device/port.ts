// Calls over a message port, or what behaves like one: `callOver` is the caller's end, `answerOver` the other.

import type { Answer, Call } from '../core/call.ts'
import { aborted, bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import type { LineMessage, Reply, Request, Told } from './protocol.ts'

/** What calls travel over: a message port, or one end of a channel between tabs. */
export interface Port {
	onmessage: ((event: MessageEvent) => unknown) | null
	onmessageerror: ((event: MessageEvent) => unknown) | null
	postMessage(message: unknown, transfer?: Transferable[]): void
	close(): void
	/** It leads to another tab: nothing can be handed over on it, all is copied. */
	readonly afar?: boolean
}

/** The caller's end of a port. */
export interface Caller {
	/** Settles when the other side has answered, or is gone: not before, even when the signal has aborted or time is up. */
	ask(call: Call, context: Context): Promise<Answer>
	/** Settles by the context's time left and signal, whatever the other side does. */
	infer(call: Call, context: Context): Promise<Answer>
	/** Rejects all calls under way, and all later ones, with `error`: the other side is gone. */
	close(error: SpillwayError): void
}

/**
 * @param port a started or unstarted port; its `onmessage` is taken over.
 * @param name of the other side, for errors.
 * @param onTold gets what the other side tells unasked (states, progress).
 * @param onLine gets lines to session workers.
 */
export function callOver(
	port: Port,
	name: string,
	onTold: (message: Told) => void = () => {},
	onLine: (message: LineMessage) => void = () => {},
): Caller {
	interface Waiting {
		context: Context
		resolve: (answer: Answer) => void
		reject: (error: SpillwayError) => void
	}
	const waiting = new Map<number, Waiting>()
	let lastId = 0
	let closed: SpillwayError | undefined

	port.onmessage = ({ data }: MessageEvent<Reply>) => {
		if (data.type === 'line') return onLine(data)
		if (data.type !== 'answer' && data.type !== 'error') return onTold(data)
		const call = waiting.get(data.id)
		if (!call) return
		waiting.delete(data.id)
		call.context.retries.left = data.retries
		if (data.type === 'answer') call.resolve(data.answer)
		else call.reject(SpillwayError.fromWire(data.error))
	}

	const rejectAll = (error: SpillwayError) => {
		for (const { reject } of waiting.values()) reject(error)
		waiting.clear()
	}
	port.onmessageerror = () => rejectAll(new SpillwayError('internal', `what ${name} said could not be read`))

	const ask: Caller['ask'] = (call, context) =>
		new Promise((resolve, reject) => {
			if (closed) return reject(closed)
			if (context.signal.aborted) return reject(aborted(context.signal))
			const id = ++lastId
			const { remaining, hops, retries, trace, priority, begun } = context
			try {
				send({ type: 'call', id, call, remaining, hops, retries: retries.left, trace, priority, begun })
			} catch (error) {
				return reject(SpillwayError.from(error, 'invalid-input', 'cannot be sent to a worker: '))
			}
			const cancel = () => send({ type: 'cancel', id })
			context.signal.addEventListener('abort', cancel, { once: true })
			const settle = <T>(give: (value: T) => void) => {
				return (value: T) => {
					context.signal.removeEventListener('abort', cancel)
					give(value)
				}
			}
			waiting.set(id, { context, resolve: settle(resolve), reject: settle(reject) })
		})

	return {
		ask,
		infer: (call, context) => bounded(`the call to ${name}`, context, (abandoned) => ask(call, { ...context, signal: abandoned })),
		close(error) {
			closed ??= error
			rejectAll(error)
			port.close()
		},
	}

	function send(message: Request) {
		port.postMessage(message)
	}
}

/**
 * Answers the calls that come in on `port` by `infer`. Every call gets exactly one answer or error.
 *
 * @returns aborts all calls under way: the caller is gone.
 */
export function answerOver(port: Port, infer: (call: Call, context: Context) => Promise<Answer>): () => void {
	const running = new Map<number, AbortController>()

	port.onmessage = async ({ data }: MessageEvent<Request>) => {
		if (data.type === 'cancel') return running.get(data.id)?.abort()
		const { id, call, remaining, hops, trace, priority, begun } = data
		const controller = new AbortController()
		const retries = { left: data.retries }
		running.set(id, controller)
		try {
			const answer = await infer(call, { remaining, signal: controller.signal, hops, retries, trace, priority, begun })
			send({ type: 'answer', id, answer, retries: retries.left }, buffersOf(answer))
		} catch (error) {
			send({ type: 'error', id, error: SpillwayError.from(error).toWire(), retries: retries.left })
		} finally {
			running.delete(id)
		}
	}

	return () => {
		for (const controller of running.values()) controller.abort()
	}

	function send(message: Reply, transfer: Transferable[] = []) {
		port.postMessage(message, transfer)
	}
}

/** The buffers of an answer, each once: it is handed over, not copied. */
function buffersOf({ output }: Answer): ArrayBuffer[] {
	if (output.kind === 'generate') return []
	const arrays = output.kind === 'embed' ? output.vectors : Object.values(output.tensors).map(({ data }) => data)
	return [...new Set(arrays.map(({ buffer }) => buffer))].filter((buffer) => buffer instanceof ArrayBuffer)
}
