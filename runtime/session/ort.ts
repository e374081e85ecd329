// What is used of ONNX Runtime's JavaScript interface, and our tensors as its tensors. onnxruntime-web and onnxruntime-node share it.

import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common'
import type { Datatype } from '../core/datatype.ts'
import { SpillwayError } from '../core/error.ts'
import { type Tensor, tensor } from '../core/tensor.ts'

/** The module object of `onnxruntime-web/wasm`, `onnxruntime-web/webgpu` or `onnxruntime-node`. */
export type Ort = Pick<typeof import('onnxruntime-common'), 'InferenceSession' | 'Tensor'>

export type { InferenceSession, OrtTensor }

const ortTypes = {
	BOOL: 'bool',
	UINT8: 'uint8',
	UINT16: 'uint16',
	UINT32: 'uint32',
	UINT64: 'uint64',
	INT8: 'int8',
	INT16: 'int16',
	INT32: 'int32',
	INT64: 'int64',
	FP16: 'float16',
	FP32: 'float32',
	FP64: 'float64',
} as const satisfies Partial<Record<Datatype, OrtTensor.Type>>

const datatypes = new Map(Object.entries(ortTypes).map(([datatype, type]) => [type as OrtTensor.Type, datatype as Datatype]))

/** @throws SpillwayError `unsupported` for BF16, which ONNX Runtime's JavaScript interface lacks. */
export function toOrt(ort: Ort, name: string, { datatype, shape, data }: Tensor): OrtTensor {
	if (datatype === 'BF16') throw new SpillwayError('unsupported', `${name}: ONNX Runtime takes no BF16 from JavaScript`)
	const type = ortTypes[datatype]
	// Where the platform has Float16Array, ONNX Runtime insists on it; ours are the raw words.
	const elements = type === 'float16' && 'Float16Array' in globalThis ? new Float16Array(data.buffer, data.byteOffset, data.length) : data
	return new ort.Tensor(type, elements as OrtTensor.DataTypeMap[typeof type], shape)
}

/** A copy in memory of its own: what ONNX Runtime hands out may be a view of its own memory, and cannot be transferred. */
export async function fromOrt(name: string, value: OrtTensor): Promise<Tensor> {
	const datatype = datatypes.get(value.type)
	if (!datatype) throw new SpillwayError('unsupported', `${name}: outputs of type ${value.type} are not supported`)
	const data = (value.location === 'cpu' ? value.data : await value.getData(true)) as Exclude<OrtTensor.DataType, string[]>
	const copy = data.slice()
	return tensor(datatype, [...value.dims], (datatype === 'FP16' ? new Uint16Array(copy.buffer) : copy) as Tensor['data'])
}
