// The executor that calls a Spillway edge: tasks by its own route, tensors by the Open Inference Protocol.

import { type Answer, type Call, type EmbedCall, type EmbedOutput, type GenerateCall, type Provenance, provenance } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Tensors } from '../core/tensor.ts'
import { toUtf8 } from '../core/utf8.ts'
import type { Breaker } from '../overflow/breaker.ts'
import { callHeaders } from './call-headers.ts'
import { choicesAsked, readChunks, readCompletion } from './chat.ts'
import type { Exchange, ReadHeaders } from './exchange.ts'
import { type BinaryResponse, decodeBinaryResponse, encodeBinaryRequest, headerLengthName, inferPath, type Message } from './oip-binary.ts'
import { type Connection, remoteExecutor } from './remote.ts'

export interface EdgeOptions extends Connection {
	/** Address of the edge, e.g. `"https://edge.example.com"`; a path is kept. */
	readonly address: string
	/** Sent as `Authorization: Bearer`. */
	readonly key?: string | undefined
}

/**
 * Makes the executor for an edge. Takes tensors, `embed` and `generate`, whose answer comes in parts where the caller takes them.
 *
 * The answer is checked to be what was asked for: number and form of the vectors, space; number of choices, and that none is cut off. Its provenance is the edge's, with one hop added.
 *
 * Errors, beside those of every executor: the edge's own, and those of `exchange.ts`; `upstream` when the answer is not what was asked for.
 * @example const edge = edgeExecutor({ name: "edge", address: "https://edge.example.com", key: "pk_…" })
 */
export function edgeExecutor(options: EdgeOptions): Breaker {
	const base = options.address.replace(/\/+$/, '')
	return remoteExecutor(options, {
		accepts: ['tensors', 'embed', 'generate'],
		request(call, context) {
			const { path, message } = requestFor(call, !!context.emit)
			const headers = { ...message.headers, ...callHeaders(context, options.key, call.model.space) }
			return { url: base + path, message: { ...message, headers } }
		},
		answer: (call, exchange) => answerOf(call, exchange, options.name),
		async stream(call, { headers, events }, emit) {
			const ran = ranOf(call, headers, options.name)
			const completion = await readChunks(options.name, events, choicesAsked(call), (chunk, isFirst) =>
				emit({ kind: 'generate', chunk, ...(isFirst && { ran }) }),
			)
			return { output: { kind: 'generate', completion }, ran }
		},
	})
}

function requestFor({ model: { name, version }, ...call }: Call, stream: boolean): { path: string; message: Message } {
	if (call.kind === 'tensors') return { path: inferPath(name, version), message: encodeBinaryRequest(call.tensors) }
	const parts = call.task === 'generate' && stream ? { stream } : {}
	const body = toUtf8(JSON.stringify({ model: name, version, input: call.input, ...parts }))
	return { path: `/v1/tasks/${call.task}`, message: { body, headers: { 'content-type': 'application/json' } } }
}

function answerOf(call: Call, { headers, body }: Exchange, name: string): Answer {
	const ran = ranOf(call, headers, name)
	if (isGenerate(call)) return { output: { kind: 'generate', completion: readCompletion(name, body, choicesAsked(call)) }, ran }
	const { outputs, parameters } = decodeBinaryResponse(body, headers.get(headerLengthName))
	const { space } = call.model
	if (space !== undefined && ran.space !== space) throw new SpillwayError('upstream', `answered in the space ${ran.space}, not ${space}`)
	return { output: call.kind === 'task' ? embeddingOf(call, outputs, parameters) : { kind: 'tensors', tensors: outputs }, ran }
}

const isGenerate = (call: Call): call is GenerateCall => call.kind === 'task' && call.task === 'generate'

/** What the edge tells of itself, one hop further away. */
function ranOf({ model }: Call, headers: ReadHeaders, name: string): Provenance {
	const told = JSON.parse(headers.get('spillway-ran') ?? '{}')
	return { ...provenance(name, model), ...told, hops: (told.hops ?? 0) + 1 }
}

function embeddingOf({ input }: EmbedCall, { embedding }: Tensors, { tokens }: BinaryResponse['parameters']): EmbedOutput {
	const { datatype, shape = [], data } = embedding ?? {}
	const [rows, dimensions] = shape
	const values = data as Float32Array
	const right = datatype === 'FP32' && rows === input.length && dimensions && shape.length === 2 && Number.isSafeInteger(tokens)
	if (!right || !values.every(Number.isFinite))
		throw new SpillwayError('upstream', `answered ${input.length} texts by ${datatype} of shape [${shape}], or by NaN`)
	const vectors = input.map((_, row) => values.slice(row * dimensions, (row + 1) * dimensions))
	return { kind: 'embed', vectors, tokens: tokens as number }
}
