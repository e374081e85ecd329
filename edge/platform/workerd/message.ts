// What a Worker and a model's Durable Object say to each other: Open Inference Protocol bodies, so that tensors and vectors stay binary.

import type { Answer, Call, EmbedOutput, ModelRef, Provenance, TensorsOutput } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { type Tensors, tensor } from '../../../runtime/core/tensor.ts'
import type { ReadHeaders } from '../../../runtime/remote/exchange.ts'
import {
	decodeRequest,
	decodeResponse,
	encodeRequest,
	encodeResponse,
	headerLengthName,
	type Message,
} from '../../../runtime/remote/oip.ts'

/** A call as bytes; texts and the model's reference travel in the JSON part. */
export const encodeCall = (call: Call): Message =>
	encodeRequest({
		inputs: call.kind === 'tensors' ? call.tensors : {},
		binaryOutput: true,
		parameters: { model: call.model, ...(call.kind === 'task' && { task: call.task, input: call.input }) },
	})

export function decodeCall(body: Uint8Array, headers: Headers): Call {
	const { inputs, parameters = {} } = decodeRequest(body, headers.get(headerLengthName))
	// Only the Worker of the same build writes these.
	const { model, task, input } = parameters as unknown as { model: ModelRef; task?: 'embed'; input: string[] }
	return task === undefined ? { kind: 'tensors', model, tensors: inputs } : { kind: 'task', model, task, input }
}

/** An answer as bytes; provenance travels in the JSON part. */
export function encodeAnswer({ output, ran }: Answer): Message {
	if (output.kind === 'generate') throw new SpillwayError('internal', 'the model object does not generate')
	const tokens = output.kind === 'embed' ? { tokens: output.tokens } : {}
	return encodeResponse(
		{ model: ran.model, version: ran.version, outputs: tensorsOf(output), parameters: { ran, ...tokens } },
		{ binaryOutput: true },
	)
}

/** @throws SpillwayError `upstream` when that is no answer. */
export function decodeAnswer(call: Call, body: Uint8Array, headers: ReadHeaders): Answer {
	const { outputs, parameters = {} } = decodeResponse(body, headers.get(headerLengthName))
	const { ran, tokens } = parameters as unknown as { ran: Provenance; tokens: number }
	if (call.kind === 'tensors') return { output: { kind: 'tensors', tensors: outputs }, ran }
	if (call.task === 'generate') throw new SpillwayError('unsupported', 'the model object does not generate')
	const { embedding } = outputs
	const dimensions = embedding?.shape[1]
	if (!embedding || !dimensions) throw new SpillwayError('upstream', 'the model object answered a task without vectors')
	const data = embedding.data as Float32Array
	const vectors = call.input.map((_, row) => data.slice(row * dimensions, (row + 1) * dimensions))
	return { output: { kind: 'embed', vectors, tokens }, ran }
}

function tensorsOf(output: EmbedOutput | TensorsOutput): Tensors {
	if (output.kind === 'tensors') return output.tensors
	const dimensions = output.vectors[0]?.length ?? 0
	const data = new Float32Array(output.vectors.length * dimensions)
	for (const [row, vector] of output.vectors.entries()) data.set(vector, row * dimensions)
	return { embedding: tensor('FP32', [output.vectors.length, dimensions], data) }
}

/** An error as a response that `runtime/remote/exchange.ts` understands. */
export function errorResponse(thrown: unknown): Response {
	const { code, message, retryAfter } = SpillwayError.from(thrown)
	const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / 1000)) }
	return Response.json({ type: `urn:spillway:error:${code}`, detail: message }, { status: 500, headers })
}
