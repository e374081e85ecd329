// The Open Inference Protocol v2 over gRPC, with Triton's stream. Health and metadata need no key, as over REST.
// https://github.com/kserve/open-inference-protocol, https://github.com/triton-inference-server/common

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { SpillwayError } from '../../../../runtime/core/error.ts'
import { authorize } from '../../../auth/authorize.ts'
import { callContextOf, probeHopsOf } from '../../../guard/context.ts'
import { describe } from '../../oip/describe.ts'
import { answer, findModel } from '../../served.ts'
import { contextOf } from '../context.ts'
import {
	GRPCInferenceService,
	InferParameterSchema,
	type ModelInferRequest,
	type ModelStreamInferResponseSchema,
} from '../proto/inference/open_inference_grpc_pb.ts'
import { protos } from '../proto/sources.ts'
import { readyModels } from '../ready.ts'
import { grpcService } from '../service.ts'
import { inOrder } from './in-order.ts'
import { callOf, responseOf } from './request.ts'

type Streamed = MessageInitShape<typeof ModelStreamInferResponseSchema>

/** Most requests of one stream that are under way at a time. */
const atOnce = 16

export const inference = grpcService(GRPCInferenceService, {
	keyed: ['modelInfer', 'modelStreamInfer'],
	protos,
	methods(parts) {
		const { config, models, build } = parts
		const authorized = authorize(parts, 'infer')
		return {
			serverLive: () => ({ live: true }),
			serverReady: async (_, context) => ({ ready: await readyModels(parts, probeHopsOf(contextOf(context), config.limits)) }),
			serverMetadata: () => ({ name: 'spillway', version: build.version }),

			async modelReady({ name, version }, context) {
				const model = await findModel(models, name, version || undefined)
				return { ready: await model.ready(probeHopsOf(contextOf(context), config.limits)) }
			},

			async modelMetadata({ name, version }) {
				const { inputs, outputs, ...metadata } = describe(await findModel(models, name, version || undefined))
				const bySize = (tensor: (typeof inputs)[number]) => ({ ...tensor, shape: tensor.shape.map(BigInt) })
				return { ...metadata, inputs: inputs.map(bySize), outputs: outputs.map(bySize) }
			},

			async modelInfer(request, context) {
				const c = contextOf(context)
				const { model, call } = await callOf(c, parts, request)
				return responseOf(request, model, await answer(c, model, call, config.limits))
			},

			async *modelStreamInfer(requests, context) {
				const c = contextOf(context)
				// What one request may take, unless the stream as a whole has a deadline.
				const each = context.timeoutMs() === undefined ? c.get('remaining')() : undefined
				let first = true
				yield* inOrder(requests, atOnce, async (request): Promise<Streamed> => {
					try {
						// The first one was counted against the key's quota when the stream was opened.
						if (!first) await authorized(c, async () => {})
						first = false
						const { model, call } = await callOf(c, parts, request)
						const context = { ...callContextOf(c, config.limits), ...(each !== undefined && { remaining: each }) }
						const made = await model.executor.infer(call, context)
						c.set('ran', made.ran)
						return { inferResponse: { ...responseOf(request, model, made), parameters: { spillway_ran: text(JSON.stringify(made.ran)) } } }
					} catch (error) {
						return failed(request, error)
					}
				})
			},
		}
	},
})

/** What failed is told in its answer's place. What is no error of Spillway's ends the stream. */
function failed({ id, modelName }: ModelInferRequest, error: unknown): Streamed {
	if (!(error instanceof SpillwayError)) throw error
	return { errorMessage: error.message, inferResponse: { id, modelName, parameters: { spillway_error: text(error.code) } } }
}

const text = (value: string) => create(InferParameterSchema, { parameterChoice: { case: 'stringParam', value } })
