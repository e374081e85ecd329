// Spillway where there is no page: servers, scripts and workers on Node, Deno, Bun and Cloudflare, which ask an edge or any server of the Open
// Inference Protocol.

import { SpillwayError } from '../core/error.ts'
import { isTraceParent, type TraceParent, traceParent } from '../core/trace.ts'
import { edgeExecutor } from '../remote/edge.ts'
import type { Fetch } from '../remote/exchange.ts'
import { serverExecutor } from '../remote/server.ts'
import { type Model, makeModel } from './model.ts'
import type { ModelOptions } from './runtime.ts'

export type { Provenance } from '../core/call.ts'
export type { ChatChunk, ChatCompletion, ChatRequest } from '../core/chat.ts'
export type { Datatype } from '../core/datatype.ts'
export { type ErrorCode, SpillwayError } from '../core/error.ts'
export type { Priority } from '../core/executor.ts'
export { type Tensor, type Tensors, tensor } from '../core/tensor.ts'
export type { CallOptions, EmbedResult, GenerateOptions, GenerateResult, InferResult } from './model.ts'
export type { ModelOptions } from './runtime.ts'

export interface RemoteOptions {
	/** Address of the server, e.g. `"https://edge.example.com"`; a path is kept. */
	address: string
	/** Sent as `Authorization: Bearer`. */
	key?: string | undefined
	/**
	 * What the server is. `"spillway"` (default): an edge, which takes texts and conversations, too. `"oip"`: any server of the Open Inference Protocol
	 * over REST (Triton, KServe, …), for tensors. `"oip-json"`: one that takes tensors as JSON only (MLServer).
	 */
	protocol?: 'spillway' | 'oip' | 'oip-json' | undefined
	/** How requests are sent: a pool, a service binding's `fetch`, … Default: the platform's `fetch`. */
	fetch?: Fetch | undefined
	/** The trace that calls belong to, asked at each one: `() => '00-…-01'` (W3C Trace Context). Default: each call is a trace of its own. */
	trace?: (() => TraceParent | undefined) | undefined
}

/** A model elsewhere. */
export type RemoteModel = Pick<Model, 'name' | 'embed' | 'infer' | 'generate'>

export interface Remote {
	/**
	 * A model of the server. Sends nothing.
	 * @throws SpillwayError `invalid-input` when that names no model.
	 */
	model(name: string, options?: ModelOptions): RemoteModel
	/** Calls under way and later ones reject with `disposed`. Idempotent. */
	dispose(): Promise<void>
}

/**
 * Connects to a server: nothing is sent, and nothing kept open, before the first call. Tensors travel as binary data; a server that fails is
 * not asked for a while, and calls then fail at once.
 *
 * On Cloudflare Workers make one in each request: what one request began another cannot wait for.
 *
 * @throws SpillwayError `malformed` when the options are wrong.
 * @example
 * import { connect } from 'spillway/remote'
 * const edge = connect({ address: 'https://edge.example.com', key: process.env.SPILLWAY_KEY })
 * const { vectors, ran } = await edge.model('minilm').embed(['how do I reset my password?'], { deadline: 500 })
 */
export function connect({ address, key, protocol = 'spillway', fetch, trace }: RemoteOptions): Remote {
	if (!URL.canParse(address) || !/^https?:/.test(address))
		throw new SpillwayError('malformed', `connect: address must be one such as https://edge.example.com, not ${JSON.stringify(address)}`)
	const make = executors[protocol]
	if (!make) throw new SpillwayError('malformed', `connect: protocol must be one of ${Object.keys(executors).join(', ')}`)
	const executor = make({ name: protocol === 'spillway' ? 'edge' : new URL(address).host, address, key, fetch })
	const disposal = new AbortController()
	const telemetry = {
		tell() {},
		watch() {
			const parent = trace?.()
			return { trace: traceParent(isTraceParent(parent) ? parent : undefined), end() {} }
		},
	}
	return {
		model(name, { version } = {}) {
			if (typeof name !== 'string' || name === '') throw new SpillwayError('invalid-input', `${JSON.stringify(name)} names no model`)
			const ref = version === undefined ? { name } : { name, version }
			return makeModel({ ref, policy: 'edge-only', device: null, edge: { executor, address }, telemetry, disposal: disposal.signal })
		},
		async dispose() {
			disposal.abort(new SpillwayError('disposed', 'the connection was disposed'))
			await executor.dispose()
		},
	}
}

const executors = {
	spillway: edgeExecutor,
	oip: serverExecutor,
	'oip-json': (options: Parameters<typeof serverExecutor>[0]) => serverExecutor({ ...options, binary: false }),
}
