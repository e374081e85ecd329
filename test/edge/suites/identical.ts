// The same tensors give bit-identical outputs through every protocol: a protocol adds its ways here.

import { describe, expect, test } from 'vitest'
import { readColumns, readRows, readTensors, writeColumns, writeRows } from '../../../edge/json/tensors.ts'
import { bytesPerElement } from '../../../runtime/core/datatype.ts'
import { type Tensor, type Tensors, tensor } from '../../../runtime/core/tensor.ts'
import { decodeResponse, encodeRequest, headerLengthName } from '../../../runtime/remote/oip.ts'
import { textTensors } from '../../runtime/tiny.ts'
import { modelInfer } from './grpc.ts'
import { predict } from './tfserving-grpc.ts'
import { call, type EdgeUnderTest, keys } from './under-test.ts'

/** Sends tensors to a model and gives its outputs; rejects when there is no answer. */
export type Way = (edge: EdgeUnderTest, model: string, inputs: Tensors) => Promise<Tensors>

/** The outputs of the models that are asked, for protocols that tell no datatypes. */
const outputs: Record<string, { name: string; datatype: 'FP32' }[]> = {
	m: [
		{ name: 'vector', datatype: 'FP32' },
		{ name: 'count', datatype: 'FP32' },
	],
	tiny: [{ name: 'y', datatype: 'FP32' }],
}

const oip =
	(binary: boolean): Way =>
	async (edge, model, inputs) => {
		const { body, headers } = encodeRequest({ inputs, binaryOutput: binary }, { binary })
		const response = await call(edge, `/v2/models/${model}/infer`, { key: keys.secret, method: 'POST', body, headers })
		const bytes = new Uint8Array(await response.arrayBuffer())
		expect(response.status, new TextDecoder().decode(bytes)).toBe(200)
		return decodeResponse(bytes, response.headers.get(headerLengthName)).outputs
	}

/** Posts JSON text and gives the answer as JSON. */
async function post(edge: EdgeUnderTest, path: string, body: string, more: Record<string, string> = {}): Promise<Record<string, unknown>> {
	const response = await call(edge, path, {
		key: keys.secret,
		method: 'POST',
		body,
		headers: { 'content-type': 'application/json', ...more },
	})
	const text = await response.text()
	expect(response.status, text).toBe(200)
	return JSON.parse(text)
}

export const ways: Readonly<Record<string, Way>> = {
	'Open Inference Protocol, binary': oip(true),
	'Open Inference Protocol, JSON': oip(false),
	'Open Inference Protocol, gRPC messages with bytes': modelInfer(true),
	'Open Inference Protocol, gRPC messages with numbers': modelInfer(false),
	'TensorFlow Serving, rows': async (edge, model, inputs) => {
		const { predictions } = await post(edge, `/v1/models/${model}:predict`, `{"instances":${writeRows(inputs)}}`)
		return readRows(outputs[model] ?? [], predictions as unknown[], 'upstream')
	},
	'TensorFlow Serving, columns': async (edge, model, inputs) => {
		const answer = await post(edge, `/v1/models/${model}/versions/1:predict`, `{"inputs":${writeColumns(inputs)}}`)
		return readColumns(outputs[model] ?? [], answer.outputs, 'upstream')
	},
	'TensorFlow Serving, gRPC messages': predict,
	'TorchServe, rows': async (edge, model, inputs) => {
		const { predictions } = await post(edge, `/predictions/${model}`, `{"instances":${writeRows(inputs)}}`)
		return readRows(outputs[model] ?? [], predictions as unknown[], 'upstream')
	},
	'SageMaker, columns': async (edge, model, inputs) => {
		const answer = await post(edge, `/endpoints/${model}/invocations`, `{"inputs":${writeColumns(inputs)}}`)
		return readColumns(outputs[model] ?? [], answer.outputs, 'upstream')
	},
	'Azure ML, bare': async (edge, model, inputs) => {
		const answer = await post(edge, '/score', `{"input_data":${writeColumns(inputs)}}`, { 'azureml-model-deployment': model })
		return readTensors(outputs[model] ?? [], answer, 'upstream')
	},
}

/** Numbers with no short decimal form, and the signs and sizes that a detour over text would lose. */
const values: readonly number[] = [0.1, -1 / 3, 1e-40, -0]
const inputs: Readonly<Record<string, Tensors>> = {
	m: textTensors([
		[2, 4, 5, 3],
		[2, 3],
		[2, 9, 6, 7, 13, 3],
	]),
	tiny: { x: tensor('FP32', [1, 4], Float32Array.from(values)) },
}

/** Datatype, shape and bits of each output. */
const bits = (tensors: Tensors) =>
	Object.fromEntries(
		Object.entries(tensors)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, one]) => [name, { datatype: one.datatype, shape: [...one.shape], hex: hexOf(one) }]),
	)

const hexOf = ({ datatype, data }: Tensor) => {
	const bytes = Buffer.from(data.buffer, data.byteOffset, data.length * bytesPerElement(datatype))
	return bytes.toString('hex')
}

export function identicalSuite(edge: () => EdgeUnderTest): void {
	describe('the same tensors give the same bits', () => {
		for (const [model, tensors] of Object.entries(inputs)) {
			test.each(Object.entries(ways))(`${model}: %s`, async (_, way) => {
				expect(bits(await way(edge(), model, tensors))).toEqual(bits(await oip(true)(edge(), model, tensors)))
			})
		}
	})
}
