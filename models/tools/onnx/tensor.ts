// Tensors, read from and written to their ONNX message.

import { create } from '@bufbuild/protobuf'
import { type Datatype, type DatatypeArrays, viewAs } from '../../../runtime/core/datatype.ts'
import { type Tensor, tensor } from '../../../runtime/core/tensor.ts'
import { codeOf, datatypeOf } from './datatype.ts'
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from './onnx_pb.ts'

/** Returns the bytes of an external file at `offset`; `length` undefined means to the end of the file. */
export type ReadExternal = (location: string, offset: number, length: number | undefined) => Uint8Array

/**
 * An FP32 tensor.
 *
 * @throws SpillwayError `invalid-input` if the shape does not ask for that many elements
 * @example float32([2, 2], [1, 0, 0, 1])
 */
export function float32(shape: readonly number[], data: ArrayLike<number>): Tensor<'FP32'> {
	return tensor('FP32', shape, data instanceof Float32Array ? data : Float32Array.from(data))
}

/** An INT64 tensor, from safe integers. See {@link float32}. */
export function int64(shape: readonly number[], data: readonly number[]): Tensor<'INT64'> {
	return tensor('INT64', shape, BigInt64Array.from(data, BigInt))
}

/** The elements of a tensor as little-endian bytes, which is how ONNX stores them. No copy is made. */
export function bytesOf({ data }: Tensor): Uint8Array {
	return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The ONNX message of a tensor, its elements inside it as `raw_data`. */
export function toProto(name: string, of: Tensor): TensorProto {
	return create(TensorProtoSchema, { name, dataType: codeOf(of.datatype), dims: of.shape.map(BigInt), rawData: bytesOf(of) })
}

/**
 * Reads a tensor from its ONNX message, wherever its elements are: `raw_data`, a typed field or an external file.
 *
 * @param proto the message, for example one of `graph.initializer`
 * @param readExternal where the bytes of external tensors come from; needed only for these
 * @throws {RangeError} for an element type that is not handled, or external data without `readExternal`
 * @throws SpillwayError `invalid-input` if the data do not fit the shape
 */
export function fromProto(proto: TensorProto, readExternal?: ReadExternal): Tensor {
	const datatype = datatypeOf(proto.dataType)
	return tensor(datatype, proto.dims.map(Number), elementsOf(proto, datatype, readExternal))
}

/**
 * Where an external tensor lies, from its `external_data` entries.
 *
 * @throws {RangeError} if the entries name no file
 */
export function externalEntry(proto: TensorProto): { location: string; offset: number; length: number | undefined } {
	const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]))
	const location = entries.get('location')
	if (location === undefined) throw new RangeError(`tensor ${proto.name} is external but names no location`)
	const length = entries.get('length')
	return { location, offset: Number(entries.get('offset') ?? 0), length: length === undefined ? undefined : Number(length) }
}

function elementsOf(proto: TensorProto, datatype: Datatype, readExternal?: ReadExternal): DatatypeArrays[Datatype] {
	if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
		if (!readExternal) throw new RangeError(`tensor ${proto.name} is in an external file and no reader was given`)
		const { location, offset, length } = externalEntry(proto)
		return copyAs(datatype, readExternal(location, offset, length))
	}
	return proto.rawData.byteLength > 0 ? copyAs(datatype, proto.rawData) : fromField(datatype, proto)
}

/** A copy, so that the whole file need not stay in memory; not by slice(), which makes none of Node's Buffers. */
function copyAs(datatype: Datatype, bytes: Uint8Array): DatatypeArrays[Datatype] {
	return viewAs(datatype, new Uint8Array(bytes))
}

/** Small types share the `int32_data` field (ONNX IR: TensorProto). */
function fromField(datatype: Datatype, proto: TensorProto): DatatypeArrays[Datatype] {
	switch (datatype) {
		case 'FP32':
			return Float32Array.from(proto.floatData)
		case 'FP64':
			return Float64Array.from(proto.doubleData)
		case 'INT64':
			return BigInt64Array.from(proto.int64Data)
		case 'UINT64':
			return BigUint64Array.from(proto.uint64Data)
		case 'UINT32':
			return Uint32Array.from(proto.uint64Data, Number)
		case 'INT32':
			return Int32Array.from(proto.int32Data)
		case 'INT16':
			return Int16Array.from(proto.int32Data)
		case 'INT8':
			return Int8Array.from(proto.int32Data)
		case 'UINT16':
		case 'FP16':
		case 'BF16':
			return Uint16Array.from(proto.int32Data)
		case 'UINT8':
		case 'BOOL':
			return Uint8Array.from(proto.int32Data)
	}
}
