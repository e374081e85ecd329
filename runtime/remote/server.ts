// The executor that calls any server of the Open Inference Protocol (Triton, KServe, MLServer, …) over REST.

import { type Call, type ModelRef, provenance } from '../core/call.ts'
import { type ErrorCode, SpillwayError } from '../core/error.ts'
import { cannot, type Executor } from '../core/executor.ts'
import { callHeaders } from './call-headers.ts'
import { decodeResponse, encodeRequest, headerLengthName, inferPath } from './oip.ts'
import { type Connection, remoteExecutor } from './remote.ts'

/** What a model is on the server. */
export interface ServedAs {
	readonly name: string
	/** Default: the server's choice. */
	readonly version?: string | undefined
	/** Space of the vectors that it makes, where that is known. */
	readonly space?: string | undefined
	readonly variant?: string | undefined
}

/** What a status means, where the body does not say. */
export const codeOfStatus: Record<number, ErrorCode> = {
	401: 'unauthenticated',
	403: 'forbidden',
	404: 'not-found',
	408: 'deadline-exceeded',
	413: 'too-large',
	429: 'rate-limited',
	503: 'unavailable',
	504: 'deadline-exceeded',
}

export interface ServerOptions extends Connection {
	/** Base address; `/v2/…` is added. */
	readonly address: string
	/** Sent as `Authorization: Bearer`. */
	readonly key?: string | undefined
	/** Tensors as binary data (default), or as JSON for servers without the extension (MLServer). */
	readonly binary?: boolean | undefined
	/** What a status means, where the body does not say. Default: as {@link codeOfStatus}. */
	readonly codeOf?: ((status: number) => ErrorCode | undefined) | undefined
	/** What a model is called there; undefined when it is not there. Default: the same name and version, of no known space. */
	readonly serves?: ((model: ModelRef) => ServedAs | undefined) | undefined
}

/**
 * Makes the executor for a server of the Open Inference Protocol. Takes tensors; compose it with `tokenized` for tasks.
 *
 * Errors, beside those of every executor: those of `exchange.ts`; `unsupported` for a model that is not there or not in the asked space;
 * `upstream` when the answer is none.
 * @example const gpu = serverExecutor({ name: "gpu-a", address: "http://gpu-a:8000" })
 */
export function serverExecutor(options: ServerOptions): Executor {
	const { name, key, binary = true, codeOf = (status: number) => codeOfStatus[status] } = options
	const { serves = (model): ServedAs => ({ name: model.name, version: model.version }) } = options
	const base = options.address.replace(/\/+$/, '')
	const remote = remoteExecutor(options, {
		accepts: ['tensors'],
		codeOf,
		request(call, context) {
			const served = servedAs(call.model)
			const inputs = call.kind === 'tensors' ? call.tensors : {}
			const { body, headers } = encodeRequest({ inputs, binaryOutput: binary }, { binary })
			const url = base + inferPath(served.name, served.version)
			return { url, message: { body, headers: { ...headers, ...callHeaders(context, key) } } }
		},
		answer(call, { headers, body }) {
			const { outputs, version } = decodeResponse(body, headers.get(headerLengthName))
			if (Object.keys(outputs).length === 0) throw new SpillwayError('upstream', `${name} answered without any output`)
			const { space = null, variant = null } = servedAs(call.model)
			return { output: { kind: 'tensors', tensors: outputs }, ran: { ...provenance(name, call.model), version, variant, space, hops: 1 } }
		},
	})

	return {
		...remote,
		estimate(call) {
			const detail = refusal(call)
			return detail ? cannot('unsupported', detail) : remote.estimate(call)
		},
		async infer(call, context) {
			const why = refusal(call)
			if (why) throw new SpillwayError('unsupported', why)
			return remote.infer(call, context)
		},
	}

	function refusal({ kind, model }: Call): string | undefined {
		if (kind !== 'tensors') return `${name} takes tensors only`
		const served = serves(model)
		if (!served) return `${name} does not serve ${model.name}`
		if (model.space !== undefined && model.space !== served.space)
			return `${name} answers in the space ${served.space ?? 'that nobody has named'}, asked was ${model.space}`
	}

	function servedAs(model: ModelRef): ServedAs {
		const served = serves(model)
		if (!served) throw new SpillwayError('unsupported', `${name} does not serve ${model.name}`)
		return served
	}
}
