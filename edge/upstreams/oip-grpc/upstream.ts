// The executor for a model of an upstream that speaks the Open Inference Protocol over gRPC.

import { provenance } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { callHeaders } from '../../../runtime/remote/call-headers.ts'
import { remoteExecutor } from '../../../runtime/remote/remote.ts'
import { codeOfStatus } from '../../../runtime/remote/server.ts'
import { readTensors, writeTensors } from '../../protocols/grpc/inference/tensors.ts'
import { ModelInferRequestSchema, ModelInferResponseSchema } from '../../protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import { held } from '../held.ts'
import { onlyFor } from '../only-for.ts'
import type { UpstreamOptions } from '../upstream.ts'
import { addressOf, decode, encode } from './method.ts'

interface OipGrpcConfig {
	readonly name: string
	readonly url: string
}

/**
 * Makes the executor for one model of an upstream. Takes tensors; what is held against the model's interface: see `held`. The time left goes
 * along as `grpc-timeout`.
 *
 * Errors: those of `remoteExecutor`, `onlyFor` and `held`; `upstream` when the answer is none.
 *
 * @param options.fetch as `grpcPool` makes it.
 * @throws SpillwayError `malformed` without it: the platform does not speak gRPC.
 */
export function oipGrpcUpstream({ upstream, key, model, fetch }: UpstreamOptions<OipGrpcConfig>): Executor {
	const { name, url } = upstream
	if (!fetch)
		throw new SpillwayError(
			'malformed',
			`upstream ${name}: the kind "oip-grpc" is for Node only; here let it be "oip", which is the same over REST`,
		)
	const { remote, variant = null, space = null } = model
	const address = addressOf(url, 'modelInfer')
	const server = remoteExecutor(
		{ name, fetch },
		{
			accepts: ['tensors'],
			codeOf: (status) => codeOfStatus[status],
			request(call, context) {
				const tensors = call.kind === 'tensors' ? Object.entries(call.tensors) : []
				const { described, raw } = writeTensors(tensors, true)
				const body = encode(ModelInferRequestSchema, {
					modelName: remote.name,
					modelVersion: remote.version ?? '',
					inputs: described,
					rawInputContents: raw,
				})
				return { url: address, message: { body, headers: { ...timeout(context.remaining), ...callHeaders(context, key) } } }
			},
			answer(call, { body }) {
				const response = decode(ModelInferResponseSchema, body)
				const tensors = readTensors(response.outputs, response.rawOutputContents, 'upstream')
				if (response.outputs.length === 0) throw new SpillwayError('upstream', `${name} answered without any output`)
				const version = response.modelVersion || null
				return { output: { kind: 'tensors', tensors }, ran: { ...provenance(name, call.model), version, variant, space, hops: 1 } }
			},
		},
	)
	return held(onlyFor(server, model), model)
}

/** gRPC's form has 8 digits at most: a deadline in milliseconds fits for a day. */
const timeout = (remaining: number) => ({ 'grpc-timeout': `${Math.min(99_999_999, Math.max(1, Math.floor(remaining)))}m` })
