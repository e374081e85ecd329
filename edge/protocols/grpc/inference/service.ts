// The Open Inference Protocol v2 over gRPC, with Triton's stream. Health and metadata need no key, as over REST.
// https://github.com/kserve/open-inference-protocol, https://github.com/triton-inference-server/common

import { probeHopsOf } from '../../../guard/context.ts'
import { describe } from '../../oip/describe.ts'
import { answer, findModel } from '../../served.ts'
import { contextOf } from '../context.ts'
import { GRPCInferenceService } from '../proto/inference/open_inference_grpc_pb.ts'
import { protos } from '../proto/sources.ts'
import { readyModels } from '../ready.ts'
import { grpcService } from '../service.ts'
import { inOrder } from './in-order.ts'
import { callOf, responseOf } from './request.ts'
import { streamed } from './stream.ts'

/** Most requests of one stream that are under way at a time. */
const atOnce = 16

export const inference = grpcService(GRPCInferenceService, {
	keyed: ['modelInfer', 'modelStreamInfer'],
	protos,
	methods(parts) {
		const { config, models, build } = parts
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
				const each = context.timeoutMs() === undefined ? c.get('remaining')() : undefined
				yield* inOrder(requests, atOnce, streamed(c, parts, each))
			},
		}
	},
})
