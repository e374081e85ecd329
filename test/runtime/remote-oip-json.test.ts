// The Open Inference Protocol's codec: tensors as JSON.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Datatype } from '../../runtime/core/datatype.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeRequest, encodeResponse } from '../../runtime/remote/oip.ts'
import { anyTensor, expectSame, refused, request, textOf } from './oip-messages.ts'

describe('JSON data', () => {
	const inJson: Datatype[] = ['BOOL', 'UINT8', 'UINT16', 'UINT32', 'INT8', 'INT16', 'INT32', 'FP32', 'FP64']

	test('arrives as it was sent, or is refused', () =>
		fc.assert(
			fc.property(fc.constantFrom(...inJson).chain(anyTensor), (value) => {
				const finite = Array.from(value.data as Float64Array).every(Number.isFinite)
				const write = () => encodeRequest({ inputs: { value }, binaryOutput: false }, { binary: false })
				if (!finite) return refused(write, 'unsupported', /JSON cannot carry/)
				const { body, headers } = write()
				expect(headers).toEqual({ 'content-type': 'application/json' })
				expectSame(decodeRequest(body, null).inputs, { value })
			}),
		))

	test('integers of 64 bits are written with all their digits, and read where they are exact', () => {
		const outputs = { a: tensor('INT64', [2], BigInt64Array.of(-(2n ** 63n), 9007199254740993n)) }
		const answer = encodeResponse({ model: null, version: null, outputs }, { binaryOutput: false })
		expect(textOf(answer)).toContain('"data":[-9223372036854775808,9007199254740993]')
		const safe = request('{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[-9007199254740991,9007199254740991]}]}')
		expect(safe().inputs.x?.data).toEqual(BigInt64Array.of(-9007199254740991n, 9007199254740991n))
		for (const datatype of ['INT64', 'UINT64'])
			refused(
				request(`{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1],"data":[9007199254740993]}]}`),
				'invalid-input',
				/exact only as binary/,
			)
	})

	test('nested arrays that follow the shape are as good as flat ones', () => {
		const input = { name: 'x', datatype: 'INT32', shape: [2, 1, 2] }
		const data = Int32Array.of(1, 2, 3, 4)
		for (const form of [
			[1, 2, 3, 4],
			[[[1, 2]], [[3, 4]]],
		])
			expect(request({ ...input, data: form })().inputs.x?.data).toEqual(data)
	})

	test.each([
		['nested otherwise than the shape', { shape: [2, 2], data: [[1, 2, 3, 4]] }, /does not follow shape/],
		['nested unevenly', { shape: [2, 2], data: [[1, 2], [3]] }, /does not follow shape/],
		['nested in part', { shape: [2, 2], data: [[1, 2], 3, 4] }, /does not follow shape/],
		['nested too deep', { shape: [1], data: [[[1]]] }, /is no FP32|does not follow/],
		['too few', { shape: [3], data: [1, 2] }, /asks for 3 elements, data has 2/],
		['too many', { shape: [1], data: [1, 2] }, /asks for 1 elements, data has 2/],
		['none', { shape: [1] }, /needs "data"/],
		['a string', { shape: [1], data: ['1'] }, /data\[0\] is "1"/],
		['null', { shape: [1], data: [null] }, /data\[0\] is null/],
		['too large for the datatype', { shape: [1], data: [1e39] }, /is no FP32/],
		['a size below 0', { shape: [-1], data: [] }, /sizes, 0 or more/],
		['a size that is no integer', { shape: [1.5], data: [1] }, /sizes, 0 or more/],
		['too many axes', { shape: Array(33).fill(1), data: [1] }, /up to 32 sizes/],
		['no shape', { data: [1] }, /"shape" must be/],
		['an unknown datatype', { datatype: 'FP8', shape: [1], data: [1] }, /unknown datatype/],
		['FP16', { datatype: 'FP16', shape: [1], data: [1] }, /no JSON form/],
		['BF16', { datatype: 'BF16', shape: [1], data: [1] }, /no JSON form/],
		['an integer out of range', { datatype: 'INT8', shape: [1], data: [128] }, /is no INT8/],
		['a fraction where integers are asked for', { datatype: 'INT32', shape: [1], data: [1.5] }, /is no INT32/],
		['a number for BOOL', { datatype: 'BOOL', shape: [1], data: [2] }, /is no BOOL/],
	])('refused: %s', (_, input, message) => refused(request({ name: 'x', datatype: 'FP32', ...input }), 'invalid-input', message))

	test('BYTES are not supported, and that is what it says', () =>
		refused(request({ name: 'x', datatype: 'BYTES', shape: [1], data: ['a'] }), 'unsupported', /BYTES/))
})
