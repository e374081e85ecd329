// The Open Inference Protocol's names for element types, and the typed array that holds each.

/** Typed array behind each datatype. FP16 and BF16 travel as raw 16-bit words, BOOL as one byte (0 or 1). */
export interface DatatypeArrays {
	BOOL: Uint8Array
	UINT8: Uint8Array
	UINT16: Uint16Array
	UINT32: Uint32Array
	UINT64: BigUint64Array
	INT8: Int8Array
	INT16: Int16Array
	INT32: Int32Array
	INT64: BigInt64Array
	FP16: Uint16Array
	BF16: Uint16Array
	FP32: Float32Array
	FP64: Float64Array
}

/**
 * Element type of a tensor, spelled as in the Open Inference Protocol.
 * @see https://github.com/kserve/open-inference-protocol
 */
export type Datatype = keyof DatatypeArrays

const constructors = {
	BOOL: Uint8Array,
	UINT8: Uint8Array,
	UINT16: Uint16Array,
	UINT32: Uint32Array,
	UINT64: BigUint64Array,
	INT8: Int8Array,
	INT16: Int16Array,
	INT32: Int32Array,
	INT64: BigInt64Array,
	FP16: Uint16Array,
	BF16: Uint16Array,
	FP32: Float32Array,
	FP64: Float64Array,
} as const

export const datatypes = /* @__PURE__ */ Object.keys(constructors) as Datatype[]

export const isDatatype = (name: unknown): name is Datatype => typeof name === 'string' && Object.hasOwn(constructors, name)

/** Bytes of one element. */
export const bytesPerElement = (datatype: Datatype): number => constructors[datatype].BYTES_PER_ELEMENT

/**
 * Views `bytes` (little-endian, as every wire format here has it) as elements; copies only where the start is not aligned.
 * @throws RangeError when the length is no whole number of elements.
 */
export function viewAs<D extends Datatype>(datatype: D, bytes: Uint8Array): DatatypeArrays[D] {
	const Elements = constructors[datatype] as unknown as new (buffer: ArrayBufferLike, offset: number, length: number) => DatatypeArrays[D]
	const size = bytesPerElement(datatype)
	if (bytes.byteLength % size !== 0) throw new RangeError(`${bytes.byteLength} bytes are no whole ${datatype} elements`)
	// Not slice(): that of Node's Buffer does not copy.
	const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
	return new Elements(aligned.buffer, aligned.byteOffset, aligned.byteLength / size)
}

/** A new array of `length` zeros. */
export function allocate<D extends Datatype>(datatype: D, length: number): DatatypeArrays[D] {
	return viewAs(datatype, new Uint8Array(length * bytesPerElement(datatype)))
}

/** Whether `data` is the typed array that `datatype` asks for. */
export const holds = (datatype: Datatype, data: unknown): boolean => data instanceof constructors[datatype]
