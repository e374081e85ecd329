// Element types: the Open Inference Protocol's names and ONNX's numbers.

import type { Datatype } from '../../../runtime/core/datatype.ts'
import { TensorProto_DataType as Proto } from './onnx_pb.ts'

const codes: Record<Datatype, number> = {
	BOOL: Proto.BOOL,
	UINT8: Proto.UINT8,
	UINT16: Proto.UINT16,
	UINT32: Proto.UINT32,
	UINT64: Proto.UINT64,
	INT8: Proto.INT8,
	INT16: Proto.INT16,
	INT32: Proto.INT32,
	INT64: Proto.INT64,
	FP16: Proto.FLOAT16,
	BF16: Proto.BFLOAT16,
	FP32: Proto.FLOAT,
	FP64: Proto.DOUBLE,
}

/** The number that `TensorProto.DataType` gives a datatype. */
export function codeOf(datatype: Datatype): number {
	return codes[datatype]
}

/**
 * The datatype with a number of `TensorProto.DataType`.
 *
 * @throws {RangeError} for types that have no name here (strings, 4-bit and 8-bit floats, complex numbers)
 */
export function datatypeOf(code: number): Datatype {
	for (const [datatype, number] of Object.entries(codes)) {
		if (number === code) return datatype as Datatype
	}
	throw new RangeError(`ONNX data type ${code} is not handled`)
}
