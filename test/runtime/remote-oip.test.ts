// The Open Inference Protocol's codec: requests and responses, and what nobody should write is refused.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { decodeRequest, decodeResponse, encodeResponse } from '../../runtime/remote/oip.ts'
import { decodeBinaryResponse } from '../../runtime/remote/oip-binary.ts'
import { bytes, fp32, lengthOf, refused, request, textOf } from './oip-messages.ts'

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
