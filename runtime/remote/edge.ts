// The executor that calls a Spillway edge: tasks by its own route, tensors by the Open Inference Protocol.

import type { Answer, Call, EmbedCall, EmbedOutput, Overflow, Provenance } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { traceParent } from '../core/trace.ts'
import type { Exchange } from './exchange.ts'
import { decodeResponse, encodeRequest, headerLengthName, type InferResponse, inferPath, type Message } from './oip.ts'
import { type Connection, remoteExecutor } from './remote.ts'

export interface EdgeOptions extends Connection {
	/** Address of the edge, e.g. `"https://edge.example.com"`; a path is kept. */
	readonly address: string
	/** Sent as `Authorization: Bearer`. */
	readonly key?: string | undefined
}

/**
 * Makes the executor for an edge. Takes tensors and `embed`.
 *
 * The answer is checked to be what was asked for: number and form of the vectors, space. Its provenance is the edge's, with one hop added.
 *
 * Errors, beside those of every executor: the edge's own, and those of `exchange.ts`; `upstream` when the answer is not what was asked for.
 * @example const edge = edgeExecutor({ name: "edge", address: "https://edge.example.com", key: "pk_…" })
 */
export function edgeExecutor(options: EdgeOptions): Executor {
	const base = options.address.replace(/\/+$/, '')
	return remoteExecutor(options, {
		accepts: ['tensors', 'embed'],
		request(call, { remaining, hops, retries, trace }) {
			const { path, message } = requestFor(call)
			const headers = {
				...message.headers,
				...(options.key !== undefined && { authorization: `Bearer ${options.key}` }),
				'spillway-time-left': String(Math.max(1, Math.floor(remaining))),
				'spillway-hops': String(hops + 1),
				'spillway-retries': String(retries.left),
				traceparent: traceParent(trace),
				...(call.model.space !== undefined && { 'spillway-space': call.model.space }),
			}
			return { url: base + path, message: { ...message, headers } }
		},
		answer: (call, exchange) => answerOf(call, exchange, options.name),
	})
}

function requestFor(call: Call): { path: string; message: Message } {
	const { name, version, space } = call.model
	if (call.kind === 'task') {
		const body = new TextEncoder().encode(JSON.stringify({ model: name, version, input: call.input, space }))
		return { path: `/v1/tasks/${call.task}`, message: { body, headers: { 'content-type': 'application/json' } } }
	}
	return { path: inferPath(name, version), message: encodeRequest({ inputs: call.tensors, binaryOutput: true }) }
}

function answerOf(call: Call, { headers, body }: Exchange, name: string): Answer {
	const response = decodeResponse(body, headers.get(headerLengthName))
	const ran = provenanceOf(headers.get('spillway-ran'), call, response, name)
	const { space } = call.model
	if (space !== undefined && ran.space !== space)
		throw new SpillwayError('upstream', `${name} answered in the space ${ran.space}, asked was ${space}`)
	return { output: call.kind === 'task' ? embeddingOf(call, response, name) : { kind: 'tensors', tensors: response.outputs }, ran }
}

function embeddingOf(call: EmbedCall, { outputs, parameters }: InferResponse, name: string): EmbedOutput {
	const refuse = (why: string): never => {
		throw new SpillwayError('upstream', `${name}: ${why}`)
	}
	const { datatype, shape, data } = outputs.embedding ?? refuse('the answer has no output "embedding"')
	const [rows, dimensions = 0] = shape
	if (datatype !== 'FP32' || shape.length !== 2 || rows !== call.input.length || dimensions === 0)
		return refuse(`asked for ${call.input.length} vectors, got ${datatype} of shape [${shape}]`)
	const values = data as Float32Array
	if (!values.every(Number.isFinite)) refuse('a vector holds NaN or infinity')
	const tokens = parameters?.tokens
	if (!Number.isSafeInteger(tokens)) refuse('the answer does not tell how many tokens were read')
	return {
		kind: 'embed',
		vectors: call.input.map((_, row) => values.slice(row * dimensions, (row + 1) * dimensions)),
		tokens: tokens as number,
	}
}

/** What the edge tells of itself, one hop further away; nothing is taken for granted. */
function provenanceOf(header: string | null, call: Call, response: InferResponse, name: string): Provenance {
	let told: Partial<Record<keyof Provenance, unknown>> = {}
	try {
		told = JSON.parse(header ?? '{}') ?? {}
	} catch {
		// As if it told nothing.
	}
	const text = (value: unknown) => (typeof value === 'string' ? value : null)
	const number = (value: unknown) => (typeof value === 'number' ? value : null)
	return {
		executor: text(told.executor) ?? name,
		provider: text(told.provider),
		model: text(told.model) ?? call.model.name,
		version: text(told.version) ?? response.version,
		variant: text(told.variant),
		space: text(told.space),
		queue: number(told.queue),
		run: number(told.run),
		batch: number(told.batch),
		hops: (number(told.hops) ?? 0) + 1,
		overflow: Array.isArray(told.overflow) ? (told.overflow as Overflow[]) : [],
	}
}
