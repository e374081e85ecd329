// Tensors as the Open Inference Protocol's gRPC messages have them: as raw bytes, or as numbers in the field for the datatype. Both ways.

import { allocate, bytesPerElement, type Datatype, isDatatype, viewAs } from '../../../../runtime/core/datatype.ts'
import { type ErrorCode, SpillwayError } from '../../../../runtime/core/error.ts'
import { checkTensor, elements, type Tensor, type Tensors } from '../../../../runtime/core/tensor.ts'
import type { InferParameter, InferTensorContents } from '../proto/inference/open_inference_grpc_pb.ts'

type Field = Exclude<keyof InferTensorContents, `$${string}` | 'bytesContents'>

/** FP16 and BF16 have none. */
const fields: Partial<Record<Datatype, Field>> = {
	BOOL: 'boolContents',
	UINT8: 'uintContents',
	UINT16: 'uintContents',
	UINT32: 'uintContents',
	UINT64: 'uint64Contents',
	INT8: 'intContents',
	INT16: 'intContents',
	INT32: 'intContents',
	INT64: 'int64Contents',
	FP32: 'fp32Contents',
	FP64: 'fp64Contents',
}

/** More axes than any model has. */
const maxRank = 32

/** A tensor in a message, of a request or of an answer. */
export interface Described {
	readonly name: string
	readonly datatype: string
	readonly shape: readonly bigint[]
	readonly parameters?: Readonly<Record<string, InferParameter>>
	readonly contents?: InferTensorContents | undefined
}

/**
 * Reads tensors.
 *
 * @param raw their bytes in the same order; empty when each has its numbers with it.
 * @param code of the error for what does not fit: `invalid-input` for a caller's tensors, `upstream` for a server's.
 * @throws SpillwayError `code`, naming the tensor; `unsupported` for BYTES and shared memory.
 */
export function readTensors(list: readonly Described[], raw: readonly Uint8Array[], code: ErrorCode): Tensors {
	if (raw.length > 0 && raw.length !== list.length)
		throw new SpillwayError(code, `there are ${raw.length} raw contents for ${list.length} tensors; give one for each, or none`)
	const tensors = new Map<string, Tensor>()
	for (const [at, described] of list.entries()) {
		const { name } = described
		if (name === '') throw new SpillwayError(code, `tensor ${at} has no name`)
		if (tensors.has(name)) throw new SpillwayError(code, `${JSON.stringify(name)} is given twice`)
		tensors.set(name, readTensor(described, raw[at], code))
	}
	// fromEntries makes own properties, also of a tensor called __proto__.
	return Object.fromEntries(tensors)
}

function readTensor(
	{ name, datatype, shape: sizes, parameters = {}, contents }: Described,
	raw: Uint8Array | undefined,
	code: ErrorCode,
): Tensor {
	const refuse = (why: string, other = code): never => {
		throw new SpillwayError(other, `${JSON.stringify(name)}: ${why}`)
	}
	if ('shared_memory_region' in parameters) refuse('shared memory is not supported', 'unsupported')
	if (datatype === 'BYTES') refuse('BYTES tensors (strings) are not supported; send numbers, or text to a task', 'unsupported')
	if (!isDatatype(datatype)) return refuse(`unknown datatype ${JSON.stringify(datatype.slice(0, 40))}`)
	const shape = sizes.map(Number)
	if (shape.length > maxRank || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
		refuse(`shape must hold up to ${maxRank} sizes, 0 or more`)
	if (raw === undefined) return { datatype, shape, data: readNumbers(datatype, elements(shape), contents, refuse) }
	if (contents && Object.values(contents).some((field) => Array.isArray(field) && field.length > 0))
		refuse('has both raw contents and contents; give one')
	const expected = elements(shape) * bytesPerElement(datatype)
	if (raw.byteLength !== expected)
		refuse(`shape [${shape}] of ${datatype} takes ${expected} bytes, its raw contents have ${raw.byteLength}`)
	if (datatype === 'BOOL' && raw.some((byte) => byte > 1)) refuse('BOOL bytes must be 0 or 1')
	// A copy: aligned, and of its own, so that one tensor can be transferred without the others.
	return { datatype, shape, data: viewAs(datatype, new Uint8Array(raw)) }
}

function readNumbers(datatype: Datatype, length: number, contents: InferTensorContents | undefined, refuse: (why: string) => never) {
	const field = fields[datatype] ?? refuse(`${datatype} has no field of its own; send it as raw contents`)
	const values: readonly (boolean | number | bigint)[] = contents?.[field] ?? []
	if (values.length !== length)
		refuse(
			`its shape asks for ${length} elements, ${field.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)} has ${values.length}`,
		)
	const data = allocate(datatype, length)
	const written = data as unknown as (number | bigint)[]
	values.forEach((value, at) => {
		written[at] = typeof value === 'boolean' ? Number(value) : value
		// The field is wider than 8 and 16 bits: what does not fit must not wrap.
		if (field === 'intContents' || field === 'uintContents')
			if (written[at] !== value) refuse(`element ${at} is ${value}, which is no ${datatype}`)
	})
	return data
}

/** Tensors as a message has them. */
export interface Written {
	readonly described: { name: string; datatype: string; shape: bigint[]; contents?: Partial<Record<Field, never>> }[]
	/** Empty when each has its numbers with it. */
	readonly raw: Uint8Array[]
}

/**
 * Writes tensors.
 *
 * @param raw whether as bytes; what has no other form makes all of them bytes.
 * @throws SpillwayError `invalid-input` unless datatype, shape and data fit together.
 */
export function writeTensors(tensors: readonly (readonly [name: string, tensor: Tensor])[], raw: boolean): Written {
	for (const [name, tensor] of tensors) checkTensor(name, tensor)
	const asBytes = raw || tensors.some(([, { datatype }]) => fields[datatype] === undefined)
	return {
		described: tensors.map(([name, tensor]) => ({
			name,
			datatype: tensor.datatype,
			shape: tensor.shape.map(BigInt),
			...(!asBytes && { contents: numbersOf(tensor) }),
		})),
		raw: asBytes ? tensors.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) : [],
	}
}

function numbersOf({ datatype, data }: Tensor): Partial<Record<Field, never>> {
	const values = datatype === 'BOOL' ? Array.from(data as Uint8Array, Boolean) : Array.from(data as ArrayLike<number | bigint>)
	return { [fields[datatype] as Field]: values as never }
}
