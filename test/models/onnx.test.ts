import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../models/tools/onnx/datatype.ts'
import { externalTensors, WeightsFile } from '../../models/tools/onnx/external.ts'
import { float, GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { ModelProtoSchema, TensorProtoSchema } from '../../models/tools/onnx/onnx_pb.ts'
import { bytesOf, float32, fromProto, int64, toProto } from '../../models/tools/onnx/tensor.ts'
import { allocate, type Datatype, datatypes, viewAs } from '../../runtime/core/datatype.ts'
import { tensor } from '../../runtime/core/tensor.ts'

describe('tensors', () => {
	it('survive being written and read, whatever their type', () => {
		const anyTensor = fc
			.record({ datatype: fc.constantFrom(...datatypes), bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }) })
			.map(({ datatype, bytes }) => {
				const data = viewAs(datatype, bytes)
				return tensor(datatype, [2, data.length / 2], data)
			})
		fc.assert(
			fc.property(anyTensor, (of) => {
				const read = fromProto(fromBinary(TensorProtoSchema, toBinary(TensorProtoSchema, toProto('t', of))))
				expect(read.datatype).toBe(of.datatype)
				expect(read.shape).toEqual(of.shape)
				expect(bytesOf(read)).toEqual(bytesOf(of))
			}),
		)
	})

	it('are read from typed fields', () => {
		const cases: [Datatype, object, unknown][] = [
			['FP32', { floatData: [1.5, -2] }, Float32Array.of(1.5, -2)],
			['FP64', { doubleData: [1.5, -2] }, Float64Array.of(1.5, -2)],
			['INT64', { int64Data: [1n, -2n] }, BigInt64Array.of(1n, -2n)],
			['UINT32', { uint64Data: [1n, 2n] }, Uint32Array.of(1, 2)],
			['INT32', { int32Data: [1, -2] }, Int32Array.of(1, -2)],
			['INT8', { int32Data: [1, -2] }, Int8Array.of(1, -2)],
			['FP16', { int32Data: [0x3c00, 0xc000] }, Uint16Array.of(0x3c00, 0xc000)],
			['BOOL', { int32Data: [1, 0] }, Uint8Array.of(1, 0)],
		]
		for (const [datatype, fields, data] of cases) {
			expect(fromProto(create(TensorProtoSchema, { dataType: codeOf(datatype), dims: [2n], ...fields })).data).toEqual(data)
		}
	})

	it('are read out of a Node Buffer at an odd offset', () => {
		const bytes = Buffer.concat([Buffer.of(0), bytesOf(float32([2], [1, 2]))]).subarray(1)
		const proto = create(TensorProtoSchema, { dataType: codeOf('FP32'), dims: [2n], rawData: bytes })
		expect(fromProto(proto).data).toEqual(Float32Array.of(1, 2))
	})

	it('are refused when the shape does not fit, the type is unknown or a file is missing', () => {
		const proto = create(TensorProtoSchema, { dataType: codeOf('INT8'), dims: [3n], rawData: new Uint8Array(2) })
		expect(() => fromProto(proto)).toThrow(/shape \[3\]/)
		expect(() => fromProto(create(TensorProtoSchema, { dataType: 8 }))).toThrow(/data type 8/)
		const weights = new WeightsFile('w.bin')
		weights.append('a', allocated('INT8', 3))
		expect(() => fromProto(weights.reference('a'))).toThrow(/external file/)
	})
})

describe('a weights file', () => {
	const weights = new WeightsFile('w.bin')
	weights.append('a', tensor('INT8', [3], Int8Array.of(1, 2, 3)))
	weights.append('b', float32([2], [4, 5]))

	it('puts every tensor at a multiple of 64 bytes, in the order they came', () => {
		expect(weights.bytes().byteLength).toBe(64 + 8)
		expect([...weights.bytes().subarray(0, 5)]).toEqual([1, 2, 3, 0, 0])
	})

	it('gives its tensors back through the references', () => {
		const read = fromProto(weights.reference('b'), (location, offset, length) => {
			expect(location).toBe('w.bin')
			return weights.bytes().subarray(offset, offset + (length ?? Number.NaN))
		})
		expect(read.data).toEqual(Float32Array.of(4, 5))
	})

	it('takes a name once and knows only its own', () => {
		expect(() => weights.append('a', float32([], [1]))).toThrow(/already/)
		expect(() => weights.reference('c')).toThrow(/no tensor named c/)
	})

	it('tells its boundaries through the graph that uses it, by offset', () => {
		const graph = new GraphBuilder({ name: 'g', opset: 20, weights })
		graph.output('y', graph.node('Add', [graph.weight('b'), graph.constant('one', float32([], [1]))]), 'FP32', [2])
		graph.weight('a')
		expect(externalTensors(graph.build())).toEqual([
			{ name: 'a', location: 'w.bin', offset: 0, length: 3 },
			{ name: 'b', location: 'w.bin', offset: 64, length: 8 },
		])
	})
})

describe('a built graph', () => {
	const build = () => {
		const graph = new GraphBuilder({ name: 'scaled sum', opset: 20 })
		const x = graph.input('x', 'FP32', ['batch', 3])
		const sum = graph.node('ReduceSum', [x, graph.constant('axis', int64([1], [-1]))], { keepdims: 1 })
		graph.output('y', graph.node('LeakyRelu', [sum], { alpha: float(0.5) }), 'FP32', ['batch', 1])
		return graph.build()
	}

	it('is the same bytes each time', () => {
		expect(build()).toEqual(build())
	})

	it('says its axes by name', () => {
		const shape = fromBinary(ModelProtoSchema, build()).graph?.input[0]?.type?.value
		expect(shape?.case === 'tensorType' && shape.value.shape?.dim.map((dim) => dim.value.value)).toEqual(['batch', 3n])
	})

	it('runs in ONNX Runtime', async () => {
		const { InferenceSession, Tensor } = await import('onnxruntime-node')
		const session = await InferenceSession.create(build())
		const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, -1, -2, -3), [2, 3]) })
		expect(y?.data).toEqual(Float32Array.of(6, -3))
	})
})

function allocated(datatype: Datatype, length: number) {
	return tensor(datatype, [length], allocate(datatype, length))
}
