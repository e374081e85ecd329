// TensorFlow Serving's messages: tensors of every datatype both ways, what clients send, and what is refused; examples as features.

import { readFileSync } from 'node:fs'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { checkMethod, readExamples, writeResults } from '../../edge/protocols/tfserving/examples.ts'
import { DataType, type TensorProto, TensorProtoSchema } from '../../edge/protocols/tfserving/proto/tensorflow/framework/tensor_pb.ts'
import { PredictRequestSchema } from '../../edge/protocols/tfserving/proto/tensorflow/serving/prediction_service_pb.ts'
import { readTensorProto, writeTensorProto } from '../../edge/protocols/tfserving/tensor-proto.ts'
import type { TensorSpec } from '../../models/format/manifest.ts'
import { allocate, type Datatype, datatypes } from '../../runtime/core/datatype.ts'
import { type Tensor, tensor } from '../../runtime/core/tensor.ts'

const limit = 1024 * 1024
const read = (message: TensorProto) => readTensorProto('x', message, limit)
const onTheWire = (message: TensorProto) => fromBinary(TensorProtoSchema, toBinary(TensorProtoSchema, message))

/** Six elements whose bytes differ. */
function example(datatype: Datatype): Tensor {
	const data = allocate(datatype, 6)
	const bytes = new Uint8Array(data.buffer)
	for (let at = 0; at < bytes.length; at++) bytes[at] = datatype === 'BOOL' ? at % 2 : (at * 37 + 11) % 0x70
	return tensor(datatype, [2, 3], data)
}

describe('tensors as messages', () => {
	test.each(datatypes)('%s: what is written is read again, and the same from tensor_content', (datatype) => {
		const sent = example(datatype)
		const message = onTheWire(writeTensorProto(sent))
		expect(message.tensorContent).toHaveLength(0)
		expect(read(message)).toEqual(sent)
		const content = new Uint8Array(sent.data.buffer)
		const packed = create(TensorProtoSchema, { dtype: message.dtype, tensorShape: message.tensorShape, tensorContent: content })
		expect(read(onTheWire(packed))).toEqual(sent)
	})

	test('a recorded request of Python', () => {
		const bytes = readFileSync(new URL('../fixtures/clients/tfs_grpc_PredictRequest.bin', import.meta.url))
		const { modelSpec, inputs } = fromBinary(PredictRequestSchema, bytes)
		expect(modelSpec).toMatchObject({ name: 'tiny', signatureName: 'serving_default' })
		expect(read(inputs.x as TensorProto)).toEqual(tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4)))
	})

	test('a short list goes on with its last element', () => {
		const message = create(TensorProtoSchema, { dtype: DataType.DT_INT64, tensorShape: { dim: [{ size: 4n }] }, int64Val: [7n, 9n] })
		expect(read(message).data).toEqual(BigInt64Array.of(7n, 9n, 9n, 9n))
	})

	test('NaN and infinities come through', () => {
		const data = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0)
		expect(read(onTheWire(writeTensorProto(tensor('FP32', [3], data)))).data).toEqual(data)
	})

	const shape = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size: BigInt(size) })) })
	test.each<[string, Parameters<typeof create<typeof TensorProtoSchema>>[1], string, RegExp]>([
		['strings', { dtype: DataType.DT_STRING, tensorShape: shape(1) }, 'unsupported', /DT_STRING/],
		['no type', { tensorShape: shape(1), floatVal: [1] }, 'unsupported', /DT_INVALID/],
		['no elements', { dtype: DataType.DT_FLOAT, tensorShape: shape(2) }, 'invalid-input', /2 elements/],
		['too many elements', { dtype: DataType.DT_FLOAT, tensorShape: shape(1), floatVal: [1, 2] }, 'invalid-input', /has 2/],
		['elements of another type', { dtype: DataType.DT_FLOAT, tensorShape: shape(1), doubleVal: [1] }, 'invalid-input', /floatVal has 0/],
		[
			'bytes that do not fit',
			{ dtype: DataType.DT_FLOAT, tensorShape: shape(2), tensorContent: new Uint8Array(7) },
			'invalid-input',
			/8 bytes/,
		],
		['an unknown rank', { dtype: DataType.DT_FLOAT, tensorShape: { unknownRank: true }, floatVal: [1] }, 'invalid-input', /shape/],
		['a negative size', { dtype: DataType.DT_FLOAT, tensorShape: shape(-1), floatVal: [1] }, 'invalid-input', /shape/],
		['300 as UINT8', { dtype: DataType.DT_UINT8, tensorShape: shape(1), intVal: [300] }, 'invalid-input', /300/],
		['one element for a gigabyte', { dtype: DataType.DT_FLOAT, tensorShape: shape(2 ** 20, 2 ** 8), floatVal: [1] }, 'too-large', /limit/],
	])('%s are refused', (_, message, code, words) => {
		expect(() => read(create(TensorProtoSchema, message))).toThrow(expect.objectContaining({ code, message: expect.stringMatching(words) }))
	})

	test('no elements at all are none', () => {
		const empty = tensor('FP32', [0, 3], new Float32Array(0))
		expect(read(onTheWire(writeTensorProto(empty)))).toEqual(empty)
	})
})

describe('examples', () => {
	const specs: TensorSpec[] = [
		{ name: 'age', datatype: 'FP32', shape: ['batch'] },
		{ name: 'size', datatype: 'INT64', shape: ['batch', 2] },
		{ name: 'flag', datatype: 'FP32', shape: ['batch', 1] },
	]

	test('features become rows: a single value may come bare or as a list', () => {
		const body = {
			signature_name: 'tensorflow/serving/regress',
			context: { flag: 1 },
			examples: [
				{ age: 3, size: [1, 2] },
				{ age: [4], size: [3, 4] },
			],
		}
		expect(readExamples(body, 'regress', specs)).toEqual({
			age: tensor('FP32', [2], Float32Array.of(3, 4)),
			size: tensor('INT64', [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n)),
			flag: tensor('FP32', [2, 1], Float32Array.of(1, 1)),
		})
	})

	test.each<[string, unknown]>([
		['none', { examples: [] }],
		['no list', { examples: {} }],
		['no object', { examples: [1] }],
		['a feature too few', { examples: [{ age: 1, size: [1, 2] }] }],
		['a feature too many', { examples: [{ age: 1, size: [1, 2], flag: 1, other: 1 }] }],
		['another signature', { signature_name: 'tensorflow/serving/classify', examples: [{ age: 1, size: [1, 2], flag: 1 }] }],
	])('%s is refused', (_, body) => {
		expect(() => readExamples(body, 'regress', specs)).toThrow(expect.objectContaining({ code: 'invalid-input' }))
	})

	test('a model regresses when its only output is one value for each row', () => {
		const model = (...shape: (string | number)[]) => ({
			task: null,
			inputs: specs,
			outputs: [{ name: 'y', datatype: 'FP32' as const, shape }],
			axes: {},
		})
		for (const fits of [model('batch'), model('batch', 1)]) expect(() => checkMethod('regress', 'm', fits)).not.toThrow()
		for (const other of [model('batch', 3), model(), model('batch', 1, 1), { ...model('batch'), outputs: null }])
			expect(() => checkMethod('regress', 'm', other)).toThrow(expect.objectContaining({ code: 'unsupported' }))
		expect(() => checkMethod('classify', 'm', model('batch'))).toThrow()
		expect(() => checkMethod('classify', 'm', model('batch', 'classes'))).not.toThrow()
	})

	test('results are values, or scores without labels', () => {
		const y = tensor('FP32', [2, 1], Float32Array.of(0.5, -0))
		expect(writeResults('regress', { y })).toBe('{"results":[0.5,-0]}')
		const scores = tensor('FP32', [2, 2], Float32Array.of(0.25, 0.75, 1, 0))
		expect(writeResults('classify', { scores })).toBe('{"results":[[["",0.25],["",0.75]],[["",1],["",0]]]}')
	})
})
