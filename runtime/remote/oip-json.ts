// Tensor data as JSON numbers, both ways: nothing is rounded, wrapped or turned into null on the way.

import { allocate, type Datatype } from '../core/datatype.ts'
import { elements, type Tensor } from '../core/tensor.ts'

/** Throws; says what is wrong with a tensor's data. */
export type Refuse = (why: string) => never

const integer = (min: number, max: number) => (value: unknown) =>
	Number.isInteger(value) && (value as number) >= min && (value as number) <= max ? (value as number) : undefined

/** JSON.parse has already rounded what is beyond 2^53, so only what is safe can be told to be exact. */
const integer64 = (min: number) => (value: unknown) =>
	Number.isSafeInteger(value) && (value as number) >= min ? BigInt(value as number) : undefined

/** The element, or undefined when the JSON value is none of that type. FP16 and BF16 have no JSON form. */
const read: Partial<Record<Datatype, (value: unknown) => number | bigint | undefined>> = {
	// The protocol says true and false; numpy clients send 1 and 0 as well.
	BOOL: (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : undefined),
	UINT8: integer(0, 0xff),
	UINT16: integer(0, 0xffff),
	UINT32: integer(0, 0xffff_ffff),
	UINT64: integer64(0),
	INT8: integer(-0x80, 0x7f),
	INT16: integer(-0x8000, 0x7fff),
	INT32: integer(-0x8000_0000, 0x7fff_ffff),
	INT64: integer64(Number.MIN_SAFE_INTEGER),
	FP32: (value) => (typeof value === 'number' && Number.isFinite(Math.fround(value)) ? value : undefined),
	FP64: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
}

/**
 * Reads row-major data, flat or nested exactly as the shape says.
 *
 * @param refuse called with the reason when the data does not fit shape and datatype.
 */
export function readJson<D extends Datatype>(datatype: D, shape: readonly number[], data: unknown, refuse: Refuse): Tensor<D> {
	const convert = read[datatype] ?? refuse(`${datatype} has no JSON form; send it as binary data`)
	if (!Array.isArray(data)) return refuse('needs "data" (an array) or "binary_data_size"')
	const flat = data.some(Array.isArray) ? unnest(data, shape, refuse) : data
	const length = elements(shape)
	if (flat.length !== length) refuse(`shape [${shape}] asks for ${length} elements, data has ${flat.length}`)
	const array = allocate(datatype, length) as unknown as (number | bigint)[]
	for (let i = 0; i < length; i++) {
		const value = convert(flat[i])
		if (value === undefined) refuse(why(datatype, flat[i], i))
		else array[i] = value
	}
	return { datatype, shape, data: array as unknown as Tensor<D>['data'] }
}

/** A value for an error's message; not what is in it, which may be nested deeper than the stack. */
export const quote = (value: unknown): string =>
	typeof value === 'object' && value !== null ? 'an object or array' : String(JSON.stringify(value)).slice(0, 80)

function why(datatype: Datatype, value: unknown, index: number): string {
	const exact = datatype.endsWith('INT64') && Number.isInteger(value) ? '; integers beyond 2^53 are exact only as binary data' : ''
	return `data[${index}] is ${quote(value)}, which is no ${datatype}${exact}`
}

/** As deep as the shape at most, whatever was sent. */
function unnest(data: readonly unknown[], shape: readonly number[], refuse: Refuse): unknown[] {
	let level: readonly unknown[] = [data]
	for (const [axis, size] of shape.entries()) {
		const next: unknown[] = []
		for (const part of level) {
			if (!Array.isArray(part) || part.length !== size)
				return refuse(`nested data does not follow shape [${shape}]: axis ${axis} must hold ${size} values`)
			for (const value of part) next.push(value)
		}
		level = next
	}
	return level as unknown[]
}

/**
 * Writes data as a JSON array, flat and row-major. 64-bit integers are written with all their digits.
 *
 * @param refuse called with the reason when JSON cannot carry the data (FP16, BF16, NaN, infinities).
 */
export const writeJson = (tensor: Tensor, refuse: Refuse): string => `[${writeElements(tensor, refuse).join(',')}]`

/** As {@link writeJson}, each element for itself. */
export function writeElements({ datatype, data }: Tensor, refuse: Refuse): string[] {
	if (datatype === 'FP16' || datatype === 'BF16') return refuse(`${datatype} has no JSON form; ask for binary data`)
	if (datatype === 'BOOL') return Array.from(data as Uint8Array, (value) => String(value !== 0))
	if (datatype !== 'FP32' && datatype !== 'FP64') return Array.from(data as ArrayLike<number | bigint>, String)
	return Array.from(data as Float32Array | Float64Array, (value, i) => {
		if (!Number.isFinite(value)) refuse(`data[${i}] is ${value}, which JSON cannot carry; ask for binary data`)
		return Object.is(value, -0) ? '-0' : String(value)
	})
}
