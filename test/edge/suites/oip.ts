// The Open Inference Protocol over REST.

import { describe, expect, test } from 'vitest'
import { tensor } from '../../../runtime/core/tensor.ts'
import { decodeResponse, encodeRequest, headerLengthName } from '../../../runtime/remote/oip.ts'
import { call, type EdgeUnderTest, expectedNumbers, keys, problemOf } from './under-test.ts'

const x = tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
const asJson = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }

export function oipSuite(edge: () => EdgeUnderTest): void {
	const infer = (json: unknown, path = '/v2/models/tiny/infer', headers: Record<string, string> = {}) =>
		call(edge(), path, { key: keys.secret, json, headers })

	describe('health and metadata', () => {
		test('the server is live and ready, and says so in JSON, without a key', async () => {
			expect(await (await call(edge(), '/v2/health/live')).json()).toEqual({ live: true })
			expect(await (await call(edge(), '/v2/health/ready')).json()).toEqual({ ready: true })
			expect((await call(edge(), '/healthz')).status).toBe(200)
		})

		test('it names itself and its extensions', async () => {
			const metadata = await (await call(edge(), '/v2')).json()
			expect(metadata).toMatchObject({ name: 'spillway', version: expect.any(String), extensions: ['binary_tensor_data'] })
		})

		test('a model is ready, in its version, in a range that it lies in, or in the current one', async () => {
			for (const path of ['/v2/models/tiny/ready', '/v2/models/tiny/versions/1.0.0/ready', '/v2/models/tiny/versions/%5E1/ready']) {
				const response = await call(edge(), path)
				expect(response.status).toBe(200)
				expect(await response.json()).toEqual({ name: 'tiny', ready: true })
			}
		})

		test('metadata tell inputs and outputs; axes of any size are -1', async () => {
			expect(await (await call(edge(), '/v2/models/m/versions/1.0.0')).json()).toMatchObject({
				name: 'm',
				versions: ['1.0.0'],
				inputs: [
					{ name: 'ids', datatype: 'INT64', shape: [-1, -1] },
					{ name: 'mask', datatype: 'INT64', shape: [-1, -1] },
				],
				outputs: [
					{ name: 'vector', datatype: 'FP32', shape: [-1, 4] },
					{ name: 'count', datatype: 'FP32', shape: [-1, 1] },
				],
			})
		})

		test('unknown models and versions are a 404 whose words OIP clients can read', async () => {
			for (const path of [
				'/v2/models/nope',
				'/v2/models/nope/ready',
				'/v2/models/tiny/versions/9.9.9',
				'/v2/models/tiny/versions/9.9.9/ready',
				'/v2/models/tiny/versions/%5E9/ready',
			]) {
				const response = await call(edge(), path)
				expect(response.status, path).toBe(404)
				const problem = await problemOf(response)
				expect(problem.code).toBe('not-found')
				expect(problem.error).toBe(problem.detail)
			}
			expect((await infer(asJson, '/v2/models/nope/infer')).status).toBe(404)
		})
	})

	describe('infer', () => {
		test('JSON in, JSON out', async () => {
			const response = await infer({ id: 'q1', ...asJson })
			expect(response.status).toBe(200)
			expect(response.headers.get('content-type')).toBe('application/json')
			expect(await response.json()).toEqual({
				model_name: 'tiny',
				model_version: '1.0.0',
				id: 'q1',
				outputs: [{ name: 'y', shape: [1, 3], datatype: 'FP32', data: expectedNumbers }],
			})
		})

		test('binary in, binary out', async () => {
			const { body, headers } = encodeRequest({ inputs: { x }, binaryOutput: true })
			const response = await call(edge(), '/v2/models/tiny/versions/1.0.0/infer', { key: keys.secret, method: 'POST', body, headers })
			expect(response.status).toBe(200)
			expect(response.headers.get('content-type')).toBe('application/octet-stream')
			const { outputs } = decodeResponse(new Uint8Array(await response.arrayBuffer()), response.headers.get(headerLengthName))
			expect(Array.from(outputs.y?.data as Float32Array)).toEqual(expectedNumbers)
		})

		test('compressed bodies are read', async () => {
			const { body, headers } = encodeRequest({ inputs: { x }, binaryOutput: false })
			for (const encoding of ['gzip', 'deflate'] as const) {
				const packed = await new Response(new Blob([body]).stream().pipeThrough(new CompressionStream(encoding))).arrayBuffer()
				const response = await call(edge(), '/v2/models/tiny/infer', {
					key: keys.secret,
					method: 'POST',
					body: packed,
					headers: { ...headers, 'content-encoding': encoding },
				})
				expect(response.status, encoding).toBe(200)
				expect((await response.json()) as object).toMatchObject({ outputs: [{ data: expectedNumbers }] })
			}
		})

		test('only the outputs that were asked for come', async () => {
			const ids = { name: 'ids', datatype: 'INT64', shape: [1, 3], data: [2, 4, 3] }
			const mask = { ...ids, name: 'mask', data: [1, 1, 1] }
			const response = await infer({ inputs: [ids, mask], outputs: [{ name: 'count' }] }, '/v2/models/m/infer')
			expect((await response.json()) as object).toMatchObject({ outputs: [{ name: 'count', data: [3] }] })
			const wrong = await infer({ inputs: [ids, mask], outputs: [{ name: 'nope' }] }, '/v2/models/m/infer')
			expect(wrong.status).toBe(400)
			expect((await problemOf(wrong)).error).toMatch(/nope/)
		})

		test('an answer tells where it ran, and how long that took', async () => {
			const response = await infer(asJson)
			const ran = JSON.parse(response.headers.get('spillway-ran') ?? '')
			expect(ran).toMatchObject({ executor: 'edge', model: 'tiny', version: '1.0.0', variant: 'fp32', hops: 0, overflow: [] })
			expect(ran.space).toMatch(/^tiny@[0-9a-f]{64}\/fp32$/)
			const timing = response.headers.get('server-timing')
			if (ran.run !== null) expect(timing).toMatch(/run;dur=[\d.]+/)
		})
	})

	describe('what does not fit is refused', () => {
		const wrong: [string, unknown, number, RegExp][] = [
			['no inputs', {}, 400, /inputs/],
			['a missing input', { inputs: [] }, 400, /"x" is missing/],
			['an unknown input', { inputs: [...asJson.inputs, { ...asJson.inputs[0], name: 'z' }] }, 400, /no input "z"/],
			['an input given twice', { inputs: [...asJson.inputs, ...asJson.inputs] }, 400, /twice/],
			['a wrong datatype', { inputs: [{ ...asJson.inputs[0], datatype: 'INT32' }] }, 400, /must be FP32/],
			['an unknown datatype', { inputs: [{ ...asJson.inputs[0], datatype: 'FLOAT' }] }, 400, /FLOAT/],
			['a wrong shape', { inputs: [{ ...asJson.inputs[0], shape: [2, 2] }] }, 400, /shape/],
			['a shape that does not fit the data', { inputs: [{ ...asJson.inputs[0], shape: [1, 5] }] }, 400, /5 elements/],
			['a negative size', { inputs: [{ ...asJson.inputs[0], shape: [-1, 4] }] }, 400, /shape/],
			['a number that FP32 does not hold', { inputs: [{ ...asJson.inputs[0], data: [1, 2, 3, 1e300] }] }, 400, /data\[3\]/],
			['null in place of a number', { inputs: [{ ...asJson.inputs[0], data: [1, null, 3, 4] }] }, 400, /data\[1\]/],
			['strings', { inputs: [{ ...asJson.inputs[0], datatype: 'BYTES', data: ['a', 'b', 'c', 'd'] }] }, 422, /BYTES/],
		]
		test.each(wrong)('%s', async (_, body, status, words) => {
			const response = await infer(body)
			expect(response.status).toBe(status)
			expect((await problemOf(response)).error).toMatch(words)
		})

		test('a token that the model does not know', async () => {
			const ids = { name: 'ids', datatype: 'INT64', shape: [1, 1], data: [99_999] }
			const response = await infer({ inputs: [ids, { ...ids, name: 'mask', data: [1] }] }, '/v2/models/m/infer')
			expect(response.status).toBe(400)
			expect((await problemOf(response)).code).toBe('invalid-input')
		})
	})
}
