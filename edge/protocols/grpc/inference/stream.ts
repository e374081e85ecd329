// Requests of a stream, each a call of its own: with its own time, counted for itself, and an error of its own.

import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Provenance } from '../../../../runtime/core/call.ts'
import { SpillwayError } from '../../../../runtime/core/error.ts'
import { authorize } from '../../../auth/authorize.ts'
import type { EdgeContext } from '../../../env.ts'
import { callContextOf } from '../../../guard/context.ts'
import { figuresOfCall } from '../../../metrics/call.ts'
import type { EdgeParts, ServedModel } from '../../../parts.ts'
import {
	InferParameterSchema,
	type ModelInferRequest,
	type ModelStreamInferResponseSchema,
} from '../proto/inference/open_inference_grpc_pb.ts'
import { callOf, responseOf } from './request.ts'

type Streamed = MessageInitShape<typeof ModelStreamInferResponseSchema>

/**
 * Makes what answers one request of a stream after the other.
 *
 * @param each milliseconds that a request may take; undefined where the stream as a whole has a deadline.
 * @returns a function that tells errors in the answer's place; it rejects with what is none of Spillway's.
 */
export function streamed(c: EdgeContext, parts: EdgeParts, each: number | undefined): (request: ModelInferRequest) => Promise<Streamed> {
	const { config, metrics, keep } = parts
	const authorized = authorize(parts, 'infer')
	let opened = false

	return async (request) => {
		let served: ServedModel | undefined
		let ran: Provenance | undefined
		const tell = (code?: SpillwayError['code']) => {
			const figures = figuresOfCall({ served, ran, code, protocol: c.get('area').name })
			// A store that cannot be reached costs figures, not answers.
			const added = Promise.resolve(metrics.add(figures)).catch((error) => console.error('metrics:', error))
			keep?.(c, added)
		}
		try {
			// The first one was counted against the key's quota when the stream was opened.
			const first = !opened
			opened = true
			if (!first) await authorized(c, async () => {})
			const { model, call } = await callOf(c, parts, request)
			served = model
			const made = await model.executor.infer(call, { ...callContextOf(c, config.limits), ...(each !== undefined && { remaining: each }) })
			ran = made.ran
			const inferResponse = { ...responseOf(request, model, made), parameters: { spillway_ran: text(JSON.stringify(ran)) } }
			tell()
			return { inferResponse }
		} catch (error) {
			if (!(error instanceof SpillwayError)) throw error
			tell(error.code)
			const { id, modelName } = request
			return { errorMessage: error.message, inferResponse: { id, modelName, parameters: { spillway_error: text(error.code) } } }
		}
	}
}

const text = (value: string) => create(InferParameterSchema, { parameterChoice: { case: 'stringParam', value } })
