// Messages of the Open Inference Protocol for the tests of its codec, and any tensors that there can be.

import fc from 'fast-check'
import { expect } from 'vitest'
import { type Datatype, datatypes, viewAs } from '../../runtime/core/datatype.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { elements, type Tensor, type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, headerLengthName, type Message } from '../../runtime/remote/oip.ts'

export const lengthOf = ({ headers }: Message) => headers[headerLengthName] ?? null
export const bytes = (text: string) => new TextEncoder().encode(text)
export const textOf = ({ body, headers }: Message) =>
	new TextDecoder().decode(body.subarray(0, Number(headers[headerLengthName] ?? body.byteLength)))

/** Reads a request with one input, given as JSON and bytes that follow it. */
export const request = (input: object | string, after: Uint8Array = new Uint8Array()) => {
	const json = bytes(typeof input === 'string' ? input : JSON.stringify({ inputs: [input] }))
	const body = new Uint8Array(json.length + after.length)
	body.set(json)
	body.set(after, json.length)
	return () => decodeRequest(body, after.length > 0 ? `${json.length}` : null)
}

export const refused = (read: () => unknown, code: string, message: string | RegExp) => {
	expect(read).toThrow(SpillwayError)
	expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
}

export const fp32 = (...values: number[]) => tensor('FP32', [values.length], Float32Array.from(values))

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })

/** Any tensor of a datatype, all bit patterns. */
export const anyTensor = (datatype: Datatype): fc.Arbitrary<Tensor> =>
	shapes.chain((shape) => {
		const size = elements(shape) * viewAs(datatype, new Uint8Array(0)).BYTES_PER_ELEMENT
		return fc.uint8Array({ minLength: size, maxLength: size }).map((raw) => {
			const data = datatype === 'BOOL' ? raw.map((byte) => byte & 1) : raw
			return { datatype, shape, data: viewAs(datatype, data.slice()) } as Tensor
		})
	})

const names = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constant('__proto__'))

export const anyTensors: fc.Arbitrary<Tensors> = fc
	.uniqueArray(fc.tuple(names, fc.constantFrom(...datatypes).chain(anyTensor)), { selector: ([name]) => name, minLength: 1, maxLength: 4 })
	.map((entries) => Object.fromEntries(entries))

/** Bit for bit. */
export const expectSame = (read: Tensors, written: Tensors) => {
	expect(Object.keys(read)).toEqual(Object.keys(written))
	for (const [name, { datatype, shape, data }] of Object.entries(written)) {
		expect(read[name]).toMatchObject({ datatype, shape })
		expect(new Uint8Array((read[name] as Tensor).data.buffer)).toEqual(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
	}
}
