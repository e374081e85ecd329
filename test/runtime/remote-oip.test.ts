// The Open Inference Protocol's codec: what one end writes the other reads, and what nobody should write is refused.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Datatype, datatypes, viewAs } from '../../runtime/core/datatype.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { elements, type Tensor, type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, headerLengthName, type Message } from '../../runtime/remote/oip.ts'
import { decodeBinaryResponse, encodeBinaryRequest } from '../../runtime/remote/oip-binary.ts'

const lengthOf = ({ headers }: Message) => headers[headerLengthName] ?? null
const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = ({ body, headers }: Message) =>
	new TextDecoder().decode(body.subarray(0, Number(headers[headerLengthName] ?? body.byteLength)))

/** Reads a request with one input, given as JSON and bytes that follow it. */
const request = (input: object | string, after: Uint8Array = new Uint8Array()) => {
	const json = bytes(typeof input === 'string' ? input : JSON.stringify({ inputs: [input] }))
	const body = new Uint8Array(json.length + after.length)
	body.set(json)
	body.set(after, json.length)
	return () => decodeRequest(body, after.length > 0 ? `${json.length}` : null)
}

const refused = (read: () => unknown, code: string, message: string | RegExp) => {
	expect(read).toThrow(SpillwayError)
	expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
}

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })

/** Any tensor of a datatype, all bit patterns. */
const anyTensor = (datatype: Datatype): fc.Arbitrary<Tensor> =>
	shapes.chain((shape) => {
		const size = elements(shape) * viewAs(datatype, new Uint8Array(0)).BYTES_PER_ELEMENT
		return fc.uint8Array({ minLength: size, maxLength: size }).map((raw) => {
			const data = datatype === 'BOOL' ? raw.map((byte) => byte & 1) : raw
			return { datatype, shape, data: viewAs(datatype, data.slice()) } as Tensor
		})
	})

const names = fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constant('__proto__'))

const anyTensors: fc.Arbitrary<Tensors> = fc
	.uniqueArray(fc.tuple(names, fc.constantFrom(...datatypes).chain(anyTensor)), { selector: ([name]) => name, minLength: 1, maxLength: 4 })
	.map((entries) => Object.fromEntries(entries))

/** Bit for bit. */
const expectSame = (read: Tensors, written: Tensors) => {
	expect(Object.keys(read)).toEqual(Object.keys(written))
	for (const [name, { datatype, shape, data }] of Object.entries(written)) {
		expect(read[name]).toMatchObject({ datatype, shape })
		expect(new Uint8Array((read[name] as Tensor).data.buffer)).toEqual(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
	}
}

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

const fp32 = (...values: number[]) => tensor('FP32', [values.length], Float32Array.from(values))

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

describe('requests', () => {
	test.each([
		['no JSON', 'hello', /no JSON/],
		['cut JSON', '{"inputs":[', /no JSON/],
		['an array', '[]', /must be a JSON object/],
		['no inputs', '{}', /"inputs" must be an array/],
		['an input without a name', '{"inputs":[{}]}', /"name"/],
		['outputs that are no array', '{"inputs":[],"outputs":{}}', /"outputs" must be an array/],
		['an output without a name', '{"inputs":[],"outputs":[{}]}', /"name"/],
		['parameters that are no object', '{"inputs":[],"parameters":[]}', /"parameters" must be an object/],
		['an id that is no string', '{"inputs":[],"id":1}', /"id" must be a string/],
	])('malformed: %s', (_, body, message) => refused(request(body), 'malformed', message))

	test('malformed: text that is no UTF-8', () =>
		refused(() => decodeRequest(Uint8Array.of(0x22, 0xff, 0x22), null), 'malformed', /no JSON/))

	test('nested ten thousand deep: refused, not crashed', () => {
		const deep = `${'['.repeat(10_000)}1${']'.repeat(10_000)}`
		refused(request(`{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":${deep}}]}`), 'invalid-input', /is no FP32|follow/)
		refused(request(`{"inputs":${deep}}`), 'malformed', /"name"/)
		refused(request(`{"inputs":[{"name":"x","datatype":${deep}}]}`), 'invalid-input', /unknown datatype/)
	})

	test.each(['abc', '-1', '1e3', '', '99999999999999999999'])('malformed: header length "%s"', (length) =>
		refused(() => decodeRequest(bytes('{"inputs":[]}'), length), 'malformed', /Inference-Header-Content-Length/),
	)

	test('malformed: a header length beyond the body', () =>
		refused(() => decodeRequest(bytes('{"inputs":[]}'), '100'), 'malformed', /only 13 bytes/))

	test('refused: a name that is given twice', () => {
		const input = { name: 'x', datatype: 'FP32', shape: [1], data: [1] }
		refused(request(JSON.stringify({ inputs: [input, input] })), 'invalid-input', /given twice/)
	})

	test('unsupported: what would give other data than was asked for', () => {
		for (const parameters of [{ classification: 3 }, { shared_memory_region: 'r' }])
			refused(request(JSON.stringify({ inputs: [], outputs: [{ name: 'y', parameters }] })), 'unsupported', /not supported/)
		refused(request({ name: 'x', datatype: 'FP32', shape: [1], parameters: { shared_memory_region: 'r' } }), 'unsupported', /shared memory/)
	})

	test('unknown parameters are handed on, null means absent', () => {
		const read = request('{"id":null,"inputs":[],"outputs":null,"parameters":{"priority":1}}')()
		expect(read).toEqual({ inputs: {}, binaryOutput: false, parameters: { priority: 1 } })
	})
})

describe('responses', () => {
	const outputs = { y: fp32(1, 2), z: fp32(3) }
	const answer = (asked: object) => {
		const read = decodeRequest(bytes(JSON.stringify({ inputs: [], ...asked })), null)
		const message = encodeResponse({ model: 'm', version: '1', outputs, ...(read.id !== undefined && { id: read.id }) }, read)
		const json = JSON.parse(textOf(message))
		return { json, forms: json.outputs.map((one: { name: string; data?: unknown }) => `${one.name} ${one.data ? 'JSON' : 'binary'}`) }
	}

	test.each([
		[{}, ['y JSON', 'z JSON']],
		[{ parameters: { binary_data_output: true } }, ['y binary', 'z binary']],
		[{ outputs: [{ name: 'z' }] }, ['z JSON']],
		[{ outputs: [] }, ['y JSON', 'z JSON']],
		[{ outputs: [{ name: 'z', parameters: { binary_data: true } }, { name: 'y' }] }, ['z binary', 'y JSON']],
		[
			{ parameters: { binary_data_output: true }, outputs: [{ name: 'z', parameters: { binary_data: false } }, { name: 'y' }] },
			['z JSON', 'y binary'],
		],
	])('to %j: %j', (asked, forms) => expect(answer(asked).forms).toEqual(forms))

	test('give model, version and id back', () =>
		expect(answer({ id: '42' }).json).toMatchObject({ model_name: 'm', model_version: '1', id: '42' }))

	test("an output that the model does not have is the caller's fault", () =>
		refused(() => answer({ outputs: [{ name: 'q' }] }), 'invalid-input', /no output "q"/))

	test("that are not as the protocol says are the server's fault", () => {
		const message = encodeResponse({ model: 'm', version: null, outputs }, { binaryOutput: true })
		const cut = message.body.subarray(0, message.body.length - 2)
		refused(() => decodeResponse(cut, lengthOf(message)), 'network', /announced/)
		refused(() => decodeBinaryResponse(cut, lengthOf(message)), 'upstream', /malformed/)
		refused(() => decodeResponse(message.body, '10'), 'upstream', /no JSON/)
		refused(() => decodeBinaryResponse(message.body, null), 'upstream', /malformed/)
		for (const body of ['', '<html>', '{}', '{"outputs":[{}]}', '{"outputs":[{"name":"y","datatype":"FP8","shape":[1],"data":[1]}]}']) {
			refused(() => decodeResponse(bytes(body), null), 'upstream', /./)
			refused(() => decodeBinaryResponse(bytes(body), `${body.length}`), 'upstream', /./)
		}
	})

	test('are read whether or not a server names its version', () =>
		expect(decodeResponse(bytes('{"model_name":"m","outputs":[]}'), null)).toMatchObject({ model: 'm', version: null }))
})

describe('anything at all', () => {
	test('is read, or refused with a typed error', () =>
		fc.assert(
			fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), fc.option(fc.integer({ min: 0, max: 40 })), (body, length) => {
				for (const read of [decodeRequest, decodeResponse, decodeBinaryResponse]) {
					try {
						read(body, length === null ? null : `${length}`)
					} catch (error) {
						expect(error).toBeInstanceOf(SpillwayError)
					}
				}
			}),
		))
})
