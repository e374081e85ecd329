// Tensors as TensorFlow's messages, both ways.

import { create } from '@bufbuild/protobuf'
import { allocate, bytesPerElement, type Datatype, viewAs } from '../../../runtime/core/datatype.ts'
import { type ErrorCode, SpillwayError } from '../../../runtime/core/error.ts'
import { elements, type Tensor } from '../../../runtime/core/tensor.ts'
import { DataType, DataTypeSchema, type TensorProto, TensorProtoSchema } from './proto/tensorflow/framework/tensor_pb.ts'

/** The lists of a message, of which each datatype has one. */
type Field = 'boolVal' | 'intVal' | 'uint32Val' | 'uint64Val' | 'int64Val' | 'halfVal' | 'floatVal' | 'doubleVal'

const forms: Record<Datatype, { readonly dtype: DataType; readonly field: Field }> = {
	BOOL: { dtype: DataType.DT_BOOL, field: 'boolVal' },
	UINT8: { dtype: DataType.DT_UINT8, field: 'intVal' },
	UINT16: { dtype: DataType.DT_UINT16, field: 'intVal' },
	UINT32: { dtype: DataType.DT_UINT32, field: 'uint32Val' },
	UINT64: { dtype: DataType.DT_UINT64, field: 'uint64Val' },
	INT8: { dtype: DataType.DT_INT8, field: 'intVal' },
	INT16: { dtype: DataType.DT_INT16, field: 'intVal' },
	INT32: { dtype: DataType.DT_INT32, field: 'intVal' },
	INT64: { dtype: DataType.DT_INT64, field: 'int64Val' },
	FP16: { dtype: DataType.DT_HALF, field: 'halfVal' },
	BF16: { dtype: DataType.DT_BFLOAT16, field: 'halfVal' },
	FP32: { dtype: DataType.DT_FLOAT, field: 'floatVal' },
	FP64: { dtype: DataType.DT_DOUBLE, field: 'doubleVal' },
}

const datatypes = new Map(Object.entries(forms).map(([datatype, { dtype }]) => [dtype, datatype as Datatype]))

/** TensorFlow's number of a datatype. */
export const dtypeOf = (datatype: Datatype): DataType => forms[datatype].dtype

/**
 * Reads a message. A list shorter than the shape asks for goes on with its last element, as TensorFlow has it; an empty one is refused.
 *
 * @param limit most bytes of elements: a short list would otherwise become any length.
 * @throws SpillwayError `invalid-input`, naming the tensor; `too-large`; `unsupported` for strings and other types that no model here takes.
 */
export function readTensorProto(name: string, message: TensorProto, limit: number): Tensor {
	const refuse = (why: string, code: ErrorCode = 'invalid-input'): never => {
		throw new SpillwayError(code, `${JSON.stringify(name)}: ${why}`)
	}
	const { dtype, tensorShape, tensorContent } = message
	const datatype =
		datatypes.get(dtype) ?? refuse(`${DataTypeSchema.value[dtype]?.name ?? `type ${dtype}`} is not supported; send numbers`, 'unsupported')
	if (tensorShape?.unknownRank) refuse('its shape is unknown')
	const shape = (tensorShape?.dim ?? []).map(({ size }) => Number(size))
	if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) refuse(`shape [${shape}] must hold sizes of 0 or more`)
	const count = elements(shape)
	if (count * bytesPerElement(datatype) > limit) refuse(`shape [${shape}] is over the limit of ${limit} bytes`, 'too-large')
	if (tensorContent.byteLength > 0) {
		const expected = count * bytesPerElement(datatype)
		if (tensorContent.byteLength !== expected)
			refuse(`shape [${shape}] of ${datatype} takes ${expected} bytes, tensor_content has ${tensorContent.byteLength}`)
		if (datatype === 'BOOL' && tensorContent.some((byte) => byte > 1)) refuse('BOOL bytes must be 0 or 1')
		// A copy: aligned, and of its own, so that one tensor can be transferred without the others.
		return { datatype, shape, data: viewAs(datatype, new Uint8Array(tensorContent)) }
	}
	const list: readonly (number | bigint | boolean)[] = message[forms[datatype].field]
	if (list.length > count || (list.length === 0 && count > 0))
		refuse(`shape [${shape}] asks for ${count} elements, ${forms[datatype].field} has ${list.length}`)
	return { datatype, shape, data: fill(datatype, count, list, refuse) }
}

function fill(
	datatype: Datatype,
	count: number,
	list: readonly (number | bigint | boolean)[],
	refuse: (why: string) => never,
): Tensor['data'] {
	const data = allocate(datatype, count) as unknown as (number | bigint)[]
	for (let at = 0; at < count; at++) {
		const value = list[Math.min(at, list.length - 1)]
		const number = typeof value === 'boolean' ? Number(value) : (value as number | bigint)
		data[at] = number
		// Small integers share a list of 32 bits: what does not fit would come out as another number.
		if (datatype !== 'FP32' && datatype !== 'FP64' && data[at] !== number) refuse(`element ${at} is ${number}, which is no ${datatype}`)
	}
	return data as unknown as Tensor['data']
}

/** Writes a message, its elements in the list of their type: clients read those without a look at `tensor_content`. */
export function writeTensorProto({ datatype, shape, data }: Tensor): TensorProto {
	const { dtype, field } = forms[datatype]
	const values = Array.from(data as ArrayLike<number | bigint>)
	return create(TensorProtoSchema, {
		dtype,
		tensorShape: { dim: shape.map((size) => ({ size: BigInt(size) })) },
		[field]: datatype === 'BOOL' ? values.map(Boolean) : values,
	})
}
