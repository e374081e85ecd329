// Lines from the page to session workers. A text that is asked for alone is begun there at once, while the page still looks at the call and tells
// the engine of it. The engine answers it in any case, with what the worker has kept: when a line fails, nothing but time is lost.

import type { Answer, Call } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import { type Caller, callOver } from '../device/port.ts'
import { type LineMessage, mostBehind } from '../device/protocol.ts'

export interface Lines {
	/** Takes a line, in place of the model's one before. */
	lay(message: LineMessage): void
	/** Uses the model's line no more, unless this is the space in which it answers. */
	cut(model: string, space: string | null): void
	/** Begins a call that is about to be asked, if it is one text, and nothing else is under way. */
	begin(call: Call): void
	/** Asks the engine; settles as it answers, or before that with the answer of what was begun. */
	ask: Caller['ask']
	/** Uses none any more: the engine is gone, and the session workers with it. */
	close(error: SpillwayError): void
}

/** Milliseconds, beside the run: an answer that took longer had to wait, and how long is for the engine to say. */
const promptly = 20

/** Of what is begun: it is as bounded as the call that is asked of the engine. */
const context: Context = {
	remaining: Number.POSITIVE_INFINITY,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 0 },
	trace: '',
}

/**
 * @param engine asks the engine.
 * @param clock tells the time in milliseconds. Default: `performance.now`.
 */
export function linesBeside(engine: Caller['ask'], clock = () => performance.now()): Lines {
	const lines = new Map<string, { space: string; caller: Caller }>()
	/** What comes of them; nothing where it is for the engine to answer. */
	const begun = new WeakMap<Call, Promise<Answer | undefined>>()
	/** Calls under way on lines, without an answer, and not yet answered by the engine. */
	const count = { begun: 0, waiting: 0, asked: 0 }

	function cut(model: string, error = new SpillwayError('worker-lost', 'the line was cut')) {
		lines.get(model)?.caller.close(error)
		lines.delete(model)
	}

	return {
		lay({ model, space, port }) {
			cut(model)
			lines.set(model, { space, caller: callOver(port, 'the session worker') })
		},
		cut(model, space) {
			if (lines.get(model)?.space !== space) cut(model)
		},
		begin(call) {
			const line = lines.get(call.model.name)
			if (!line || !isOneText(call) || count.begun + count.waiting > 0 || count.asked > mostBehind) return
			const start = clock()
			count.begun++
			const answer = line.caller.ask(call, context).finally(() => count.begun--)
			const isPrompt = ({ ran }: Answer) => clock() - start - (ran.run ?? 0) < promptly
			begun.set(
				call,
				answer.then(
					(told) => (isPrompt(told) ? told : undefined),
					// What is wrong with a call is for the engine to say.
					() => undefined,
				),
			)
		},
		async ask(call, context) {
			const early = begun.get(call)
			begun.delete(call)
			const answer = engine(call, early ? { ...context, begun: true } : context)
			count.waiting++
			count.asked++
			const over = () => count.asked--
			answer.then(over, over)
			try {
				return await (early ? Promise.race([early.then((told) => told ?? answer), answer]) : answer)
			} finally {
				count.waiting--
			}
		},
		close(error) {
			for (const model of lines.keys()) cut(model, error)
		},
	}
}

const isOneText = (call: Call): boolean => call.kind === 'task' && call.task === 'embed' && call.input.length === 1
