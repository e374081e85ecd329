// Tensors as a manifest holds them: reading, writing, and holding an answer against a golden one.

import { type DatatypeArrays, viewAs } from '../../runtime/core/datatype.ts'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { type Tensor, tensor } from '../../runtime/core/tensor.ts'
import type { TensorData, Tolerance } from './manifest.ts'

/**
 * The tensor that a manifest's JSON stands for.
 * @throws SpillwayError `malformed` when data and shape do not fit together.
 */
export function fromTensorData({ datatype, shape, data }: TensorData): Tensor {
	try {
		const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0))
		return tensor(datatype, shape, viewAs(datatype, bytes))
	} catch (cause) {
		throw new SpillwayError('malformed', `tensor: ${messageOf(cause)}`, { cause })
	}
}

/** A tensor as a manifest holds it: little-endian bytes in base64. */
export function toTensorData({ datatype, shape, data }: Tensor): TensorData {
	const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
	let binary = ''
	for (const byte of bytes) binary += String.fromCharCode(byte)
	return { datatype, shape: [...shape], data: btoa(binary) }
}

/**
 * Holds an answer against a golden output. NaN never passes, wherever it stands.
 * A row is what lies along the last axis; each row is judged by itself.
 *
 * @returns `null` when every bound holds, else the reason with figures.
 * @example within({ cosine: 0.985 }, golden.outputs.sentence_embedding, answer) // 'row 3: cosine 0.91204 is below 0.985'
 */
export function within(tolerance: Tolerance, golden: TensorData, answer: Tensor): string | null {
	if (answer.datatype !== golden.datatype) return `is ${answer.datatype}, golden is ${golden.datatype}`
	if (answer.shape.length !== golden.shape.length || answer.shape.some((size, axis) => size !== golden.shape[axis]))
		return `has shape [${answer.shape}], golden has [${golden.shape}]`
	const expected = numbers(fromTensorData(golden))
	const actual = numbers(answer)
	if (actual.length !== expected.length) return `has ${actual.length} elements, golden has ${expected.length}`
	const nan = actual.findIndex(Number.isNaN)
	const width = golden.shape.at(-1) ?? 1
	if (nan >= 0) return `row ${Math.floor(nan / width)}: element ${nan % width} is not a number`
	for (let start = 0, row = 0; start < expected.length; start += width, row++) {
		const reason = judgeRow(tolerance, expected.subarray(start, start + width), actual.subarray(start, start + width))
		if (reason) return `row ${row}: ${reason}`
	}
	return null
}

// The comparisons are written so that a figure which is not a number fails.
function judgeRow({ cosine, absolute }: Tolerance, expected: Float64Array, actual: Float64Array): string | null {
	if (cosine !== undefined) {
		const similarity = cosineOf(expected, actual)
		if (!(similarity >= cosine)) return `cosine ${round(similarity)} is below ${cosine}`
	}
	if (absolute !== undefined)
		for (const [index, value] of expected.entries()) {
			const difference = value === actual[index] ? 0 : Math.abs(value - (actual[index] as number))
			if (!(difference <= absolute)) return `element ${index} is off by ${round(difference)}, more than ${absolute}`
		}
	return null
}

/** Of two rows of zeros it is 1, of one such row 0. */
function cosineOf(a: Float64Array, b: Float64Array): number {
	let dot = 0
	let aa = 0
	let bb = 0
	for (let index = 0; index < a.length; index++) {
		const x = a[index] as number
		const y = b[index] as number
		dot += x * y
		aa += x * x
		bb += y * y
	}
	if (aa === 0 || bb === 0) return aa === bb ? 1 : 0
	// Of equal rows this is exactly 1.
	return dot / Math.sqrt(aa * bb)
}

const round = (value: number): string => String(Number(value.toPrecision(5)))

/** The elements as doubles: FP16 and BF16 words are what they stand for, 64-bit integers are rounded. */
function numbers({ datatype, data }: Tensor): Float64Array {
	if (datatype === 'FP16') return Float64Array.from(data as DatatypeArrays['FP16'], fromHalf)
	if (datatype === 'BF16') return Float64Array.from(data as DatatypeArrays['BF16'], fromBrain)
	return Float64Array.from(data as ArrayLike<number | bigint>, Number)
}

function fromHalf(word: number): number {
	const sign = word & 0x8000 ? -1 : 1
	const exponent = (word >> 10) & 0x1f
	const fraction = word & 0x3ff
	if (exponent === 0) return sign * fraction * 2 ** -24
	if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
	return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const scratch = new DataView(new ArrayBuffer(4))

function fromBrain(word: number): number {
	scratch.setUint32(0, word << 16)
	return scratch.getFloat32(0)
}
