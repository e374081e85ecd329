// TensorFlow Serving's gRPC services, called by Connect, which every platform has.

import { readFileSync } from 'node:fs'
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { anyUnpack, Int64ValueSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { DataType } from '../../../edge/protocols/tfserving/proto/tensorflow/framework/tensor_pb.ts'
import {
	GetModelMetadataRequestSchema,
	GetModelMetadataResponseSchema,
	GetModelStatusRequestSchema,
	GetModelStatusResponseSchema,
	ModelVersionStatus_State,
	PredictRequestSchema,
	PredictResponseSchema,
	SignatureDefMapSchema,
} from '../../../edge/protocols/tfserving/proto/tensorflow/serving/prediction_service_pb.ts'
import { readTensorProto, writeTensorProto } from '../../../edge/protocols/tfserving/tensor-proto.ts'
import { type Tensors, tensor } from '../../../runtime/core/tensor.ts'
import { call, type EdgeUnderTest, expectedNumbers, keys } from './under-test.ts'

const service = '/tensorflow.serving.PredictionService'

/** What a method answers to bytes. */
export async function grpcCall<Response extends DescMessage>(
	edge: EdgeUnderTest,
	path: string,
	body: Uint8Array<ArrayBuffer>,
	schema: Response,
): Promise<MessageShape<Response>> {
	const response = await post(edge, path, body)
	const bytes = new Uint8Array(await response.arrayBuffer())
	expect(response.status, new TextDecoder().decode(bytes)).toBe(200)
	return fromBinary(schema, bytes)
}

const post = (edge: EdgeUnderTest, path: string, body: Uint8Array<ArrayBuffer>, key: string | undefined = keys.secret) =>
	call(edge, path, { ...(key !== '' && { key }), method: 'POST', body, headers: { 'content-type': 'application/proto' } })

/** The outputs of a Predict. */
export async function predict(edge: EdgeUnderTest, model: string, inputs: Tensors): Promise<Tensors> {
	const messages = Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, writeTensorProto(one)]))
	const request = toBinary(PredictRequestSchema, create(PredictRequestSchema, { modelSpec: { name: model }, inputs: messages }))
	const { outputs } = await grpcCall(edge, `${service}/Predict`, request, PredictResponseSchema)
	return Object.fromEntries(Object.entries(outputs).map(([name, message]) => [name, readTensorProto(name, message, 1e6)]))
}

const x = writeTensorProto(tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4)))
const version = (value: bigint) => ({ case: 'version' as const, value: create(Int64ValueSchema, { value }) })

export function tfservingGrpcSuite(edge: () => EdgeUnderTest): void {
	const request = (init: MessageInitShape<typeof PredictRequestSchema>) =>
		toBinary(PredictRequestSchema, create(PredictRequestSchema, init))
	const refusal = async (body: Uint8Array<ArrayBuffer>, key?: string) => {
		const response = await post(edge(), `${service}/Predict`, body, key)
		expect(response.status).not.toBe(200)
		return (await response.json()) as { code: string; message: string }
	}

	describe('PredictionService', () => {
		test('answers a recorded request of Python', async () => {
			const bytes = new Uint8Array(readFileSync(new URL('../../fixtures/clients/tfs_grpc_PredictRequest.bin', import.meta.url)))
			const { modelSpec, outputs } = await grpcCall(edge(), `${service}/Predict`, bytes, PredictResponseSchema)
			expect(modelSpec).toMatchObject({ name: 'tiny', signatureName: 'serving_default', versionChoice: { value: { value: 1n } } })
			expect(outputs.y).toMatchObject({ dtype: DataType.DT_FLOAT, floatVal: expectedNumbers })
		})

		test('takes a version, a filter of outputs, and no others', async () => {
			const right = request({ modelSpec: { name: 'tiny', versionChoice: version(1n) }, inputs: { x }, outputFilter: ['y'] })
			expect((await grpcCall(edge(), `${service}/Predict`, right, PredictResponseSchema)).outputs.y?.floatVal).toEqual(expectedNumbers)
			expect(await refusal(request({ modelSpec: { name: 'tiny', versionChoice: version(9n) }, inputs: { x } }))).toMatchObject({
				code: 'not_found',
			})
			expect(await refusal(request({ modelSpec: { name: 'tiny' }, inputs: { x }, outputFilter: ['nope'] }))).toMatchObject({
				code: 'invalid_argument',
				message: expect.stringMatching(/nope/),
			})
		})

		test('refuses what does not fit, in words', async () => {
			// A short list goes on with its last element: each alone is within the limit of bytes.
			const long = { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 40_000n }] }, floatVal: [1] }
			for (const [body, code, words] of [
				[{ inputs: { x } }, 'invalid_argument', /model_spec/],
				[{ modelSpec: { name: 'nope' }, inputs: { x } }, 'not_found', /nope/],
				[{ modelSpec: { name: 'tiny', versionChoice: { case: 'versionLabel', value: 'nope' } }, inputs: { x } }, 'not_found', /nope/],
				[{ modelSpec: { name: 'tiny', signatureName: 'other' }, inputs: { x } }, 'invalid_argument', /other/],
				[{ modelSpec: { name: 'tiny' } }, 'invalid_argument', /"x" is missing/],
				[{ modelSpec: { name: 'tiny' }, inputs: { x: { ...x, dtype: DataType.DT_STRING } } }, 'unimplemented', /DT_STRING/],
				[{ modelSpec: { name: 'tiny' }, inputs: { x: long, y: long } }, 'resource_exhausted', /over the limit/],
			] satisfies [MessageInitShape<typeof PredictRequestSchema>, string, RegExp][])
				expect(await refusal(request(body))).toMatchObject({ code, message: expect.stringMatching(words) })
			expect(await refusal(request({ modelSpec: { name: 'tiny' }, inputs: { x } }), '')).toMatchObject({ code: 'unauthenticated' })
		})

		test('tells the signature, without a key', async () => {
			const asking = (...metadataField: string[]) =>
				toBinary(GetModelMetadataRequestSchema, create(GetModelMetadataRequestSchema, { modelSpec: { name: 'm' }, metadataField }))
			const { metadata } = await grpcCall(edge(), `${service}/GetModelMetadata`, asking('signature_def'), GetModelMetadataResponseSchema)
			const signatures = metadata.signature_def && anyUnpack(metadata.signature_def, SignatureDefMapSchema)
			const { inputs, outputs } = signatures?.signatureDef.serving_default ?? {}
			expect(inputs?.ids).toMatchObject({ dtype: DataType.DT_INT64, tensorShape: { dim: [{ size: -1n }, { size: -1n }] } })
			expect(outputs?.vector).toMatchObject({ dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: -1n }, { size: 4n }] } })
			for (const other of [asking(), asking('other')])
				expect((await post(edge(), `${service}/GetModelMetadata`, other, '')).status).toBe(400)
		})
	})

	test('ModelService tells the state of a model, without a key', async () => {
		const body = toBinary(GetModelStatusRequestSchema, create(GetModelStatusRequestSchema, { modelSpec: { name: 'tiny' } }))
		const { modelVersionStatus } = await grpcCall(
			edge(),
			'/tensorflow.serving.ModelService/GetModelStatus',
			body,
			GetModelStatusResponseSchema,
		)
		expect(modelVersionStatus).toMatchObject([{ version: 1n, state: ModelVersionStatus_State.AVAILABLE }])
	})
}
