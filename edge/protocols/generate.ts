// What a model writes, whole or part by part: what the protocols that generate do alike.

import { type GenerateCall, type GenerateOutput, type Part, type Provenance, provenance } from '../../runtime/core/call.ts'
import type { ChatChunk, ChatCompletion, ChatRequest } from '../../runtime/core/chat.ts'
import { startClock } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { chunksOf } from '../../runtime/remote/chat-join.ts'
import type { Limits } from '../config/schema.ts'
import type { EdgeContext } from '../env.ts'
import { callContextOf } from '../guard/context.ts'
import { type Problem, problemFrom } from '../guard/problem.ts'
import type { ServedModel } from '../parts.ts'
import { tellProvenance, tellRetries } from './answer.ts'
import { eventStream } from './event-stream.ts'
import { respondStream } from './respond.ts'
import { answer, expectKind, referTo } from './served.ts'

export const generates = ({ interface: { task } }: ServedModel): boolean => task?.kind === 'generate'

/** @throws SpillwayError `unsupported` unless the model generates. */
function callOf(c: EdgeContext, model: ServedModel, input: ChatRequest): GenerateCall {
	if (!generates(model)) throw new SpillwayError('unsupported', `model "${model.name}" does not generate`)
	return { kind: 'task', task: 'generate', model: referTo(c, model), input }
}

/**
 * Gives a call that does not say its time all that a call may have: a model writes for longer than others take. Silence has a limit of its own.
 */
export function takeTime(c: EdgeContext, { maxDeadline }: Limits): void {
	if (c.req.header('spillway-time-left') === undefined) c.set('remaining', startClock(maxDeadline))
}

/** The whole answer. @throws SpillwayError as the executor does. */
export async function generate(c: EdgeContext, model: ServedModel, input: ChatRequest, limits: Limits): Promise<ChatCompletion> {
	const made = await answer(c, model, callOf(c, model, input), limits)
	return expectKind<GenerateOutput>(made, 'generate').completion
}

/** How a protocol writes what goes out. */
export interface Writing {
	/** The data of an event; null for a chunk that its client did not ask for. */
	chunk(chunk: ChatChunk): string | null
	/** The data of the last event of an answer that failed after its first part. */
	error(problem: Problem): string
}

/**
 * The answer as server-sent events, ended by `[DONE]`. A failure before the first part is an error response like any other; after that it is
 * an event, and `[DONE]` does not come. When the client leaves, the call is aborted.
 *
 * @throws SpillwayError as the executor does, until the first part.
 */
export async function generateInParts(
	c: EdgeContext,
	model: ServedModel,
	input: ChatRequest,
	limits: Limits,
	writing: Writing,
): Promise<Response> {
	c.set('served', model)
	const call = callOf(c, model, input)
	const context = callContextOf(c, limits)
	const { left } = context.retries
	const stream = eventStream()
	const send = async (chunk: ChatChunk) => {
		const data = writing.chunk(chunk)
		if (data !== null) await stream.send(data)
	}
	let begin!: (ran: Provenance) => void
	const begun = new Promise<Provenance>((resolve) => {
		begin = resolve
	})
	let parts = 0
	const emit = ({ chunk, ran }: Part) => {
		parts++
		begin(ran ?? provenance('edge', model))
		return send(chunk)
	}
	const signal = AbortSignal.any([context.signal, stream.left])
	const answered = model.executor.infer(call, { ...context, signal, emit }).then((made) => {
		const { completion } = expectKind<GenerateOutput>(made, 'generate')
		begin(made.ran)
		return { completion, ran: made.ran }
	})
	// A failure before the first part is the response.
	const ran = await Promise.race([begun, answered.then(({ ran }) => ran)]).finally(() =>
		tellRetries(c, limits, left - context.retries.left),
	)
	tellProvenance(c, ran)
	const finish = async ({ completion, ran }: Awaited<typeof answered>) => {
		// Whoever answers whole is sent part by part all the same.
		if (parts === 0) for (const chunk of chunksOf(completion)) await send(chunk)
		c.set('ran', ran)
		stream.send('[DONE]')
		stream.end()
	}
	const fail = (error: unknown) => {
		const { problem } = problemFrom(error)
		c.set('error', problem.code)
		stream.fail(writing.error(problem))
	}
	c.set('ended', answered.then(finish).catch(fail))
	return respondStream(c, stream.body, {
		headers: {
			'content-type': 'text/event-stream; charset=utf-8',
			'cache-control': 'no-store',
			// nginx would gather the parts.
			'x-accel-buffering': 'no',
		},
	})
}
