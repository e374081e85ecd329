// The Open Inference Protocol's codec: tensors as binary data.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Tensor, tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { decodeBinaryResponse, encodeBinaryRequest } from '../../runtime/remote/oip-binary.ts'
import { anyTensors, bytes, expectSame, fp32, lengthOf, refused, request } from './oip-messages.ts'

describe('binary data', () => {
	test('every datatype, shape and bit pattern arrives as it was sent', () =>
		fc.assert(
			fc.property(anyTensors, (tensors) => {
				const asked = encodeRequest({ inputs: tensors, binaryOutput: true })
				expectSame(decodeRequest(asked.body, lengthOf(asked)).inputs, tensors)
				const answer = encodeResponse({ model: 'm', version: '1', outputs: tensors }, { binaryOutput: true })
				expectSame(decodeResponse(answer.body, lengthOf(answer)).outputs, tensors)
			}),
		))

	test("the page's part of the codec says and understands the same", () =>
		fc.assert(
			fc.property(anyTensors, (tensors) => {
				const asked = encodeBinaryRequest(tensors)
				const read = decodeRequest(asked.body, lengthOf(asked))
				expectSame(read.inputs, tensors)
				const answer = encodeResponse({ model: 'm', version: '1', outputs: tensors, parameters: { tokens: 3 } }, read)
				const { outputs, parameters } = decodeBinaryResponse(answer.body, lengthOf(answer))
				expectSame(outputs, tensors)
				expect(parameters).toEqual({ tokens: 3 })
			}),
		))

	test('each tensor has a buffer of its own: one can be transferred without the others', () => {
		const { body, headers } = encodeRequest({ inputs: { a: fp32(1), b: fp32(2) }, binaryOutput: false })
		const { a, b } = decodeRequest(body, headers[headerLengthName] ?? null).inputs
		structuredClone(a, { transfer: [(a as Tensor).data.buffer] })
		expect(b?.data).toEqual(Float32Array.of(2))
	})

	test('a view into a larger buffer is sent without what is around it', () => {
		const { body, headers } = encodeRequest({
			inputs: { a: tensor('FP32', [1], Float32Array.of(1, 2, 3).subarray(1, 2)) },
			binaryOutput: false,
		})
		expect(decodeRequest(body, headers[headerLengthName] ?? null).inputs.a?.data).toEqual(Float32Array.of(2))
	})

	test('may stand beside JSON data', () => {
		const json = bytes(
			'{"inputs":[{"name":"a","datatype":"INT8","shape":[2],"data":[1,2]},' +
				'{"name":"b","datatype":"INT8","shape":[1],"parameters":{"binary_data_size":1}}]}',
		)
		const body = Uint8Array.of(...json, 7)
		expect(decodeRequest(body, `${json.length}`).inputs.b?.data).toEqual(Int8Array.of(7))
	})

	test.each([
		['a size that does not fit the shape', { shape: [2], parameters: { binary_data_size: 4 } }, 4, 'invalid-input', /takes 8 bytes/],
		['fewer bytes than announced', { shape: [2], parameters: { binary_data_size: 8 } }, 4, 'malformed', /8 bytes announced, 4/],
		[
			'more bytes than announced',
			{ shape: [1], parameters: { binary_data_size: 4 } },
			6,
			'malformed',
			/2 bytes of binary data belong to none/,
		],
		['a negative size', { shape: [1], parameters: { binary_data_size: -4 } }, 4, 'invalid-input', /number of bytes/],
		['a size that is no number', { shape: [1], parameters: { binary_data_size: '4' } }, 4, 'invalid-input', /number of bytes/],
		['both forms at once', { shape: [1], data: [1], parameters: { binary_data_size: 4 } }, 4, 'invalid-input', /give one/],
	])('refused: %s', (_, input, size, code, message) => {
		refused(request({ name: 'x', datatype: 'FP32', ...input }, new Uint8Array(size)), code, message)
	})

	test('BOOL bytes are 0 or 1', () =>
		refused(
			request({ name: 'x', datatype: 'BOOL', shape: [1], parameters: { binary_data_size: 1 } }, Uint8Array.of(2)),
			'invalid-input',
			/0 or 1/,
		))
})
