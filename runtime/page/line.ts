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
	/** Uses the model's line no more, unless it leads to this version. */
	cut(model: string, version: string | null): void
	/** Begins a call that is about to be asked, if it is one text, and nothing else is under way. */
	begin(call: Call): void
	/** Asks the engine; settles as it answers, or before that with the answer of what was begun. */
	ask: Caller['ask']
}

/** Of what is begun: it is as bounded as the call that is asked of the engine. */
const context: Context = {
	remaining: Number.POSITIVE_INFINITY,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 0 },
	trace: '',
}

/** @param engine asks the engine. */
export function linesBeside(engine: Caller['ask']): Lines {
	const lines = new Map<string, { version: string; caller: Caller }>()
	const begun = new WeakMap<Call, Promise<Answer>>()
	/** Calls under way on lines, without an answer, and not yet answered by the engine. */
	const count = { begun: 0, waiting: 0, asked: 0 }

	function cut(model: string) {
		lines.get(model)?.caller.close(new SpillwayError('worker-lost', 'the line was cut'))
		lines.delete(model)
	}

	return {
		lay({ model, version, port }) {
			cut(model)
			lines.set(model, { version, caller: callOver(port, 'the session worker') })
		},
		cut(model, version) {
			if (lines.get(model)?.version !== version) cut(model)
		},
		begin(call) {
			const line = lines.get(call.model.name)
			if (!line || !isOneText(call) || count.begun + count.waiting > 0 || count.asked > mostBehind) return
			const answer = line.caller.ask(call, context)
			count.begun++
			const over = () => count.begun--
			answer.then(over, over)
			begun.set(call, answer)
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
				// What is wrong with a call is for the engine to say.
				return await (early ? Promise.race([early.catch(() => answer), answer]) : answer)
			} finally {
				count.waiting--
			}
		},
	}
}

const isOneText = (call: Call): boolean => call.kind === 'task' && call.task === 'embed' && call.input.length === 1
