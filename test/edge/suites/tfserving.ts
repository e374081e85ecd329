// TensorFlow Serving's REST interface, and KServe's version 1.

import { describe, expect, test } from 'vitest'
import { call, type EdgeUnderTest, expectedNumbers, keys } from './under-test.ts'

const path = '/v1/models/tiny:predict'
/** Two texts for the model `m`, the second one padded. */
const ids = [
	[2, 4, 5, 3],
	[2, 3, 0, 0],
]
const mask = [
	[1, 1, 1, 1],
	[1, 1, 0, 0],
]

export function tfservingSuite(edge: () => EdgeUnderTest): void {
	const post = (json: unknown, at = path, headers: Record<string, string> = {}) => call(edge(), at, { key: keys.secret, json, headers })
	const jsonOf = async (json: unknown, at = path) => {
		const response = await post(json, at)
		const body = (await response.json()) as Record<string, unknown>
		expect(response.status, JSON.stringify(body)).toBe(200)
		return body
	}
	const refusal = async (response: Response) => {
		expect(response.headers.get('content-type')).toBe('application/json')
		const body = (await response.json()) as Record<string, unknown>
		expect(Object.keys(body)).toEqual(['error'])
		return { status: response.status, error: body.error as string }
	}

	describe('predict', () => {
		test('rows of the only input, and rows by name', async () => {
			expect(await jsonOf({ instances: [[1, 2, 3, 4]] })).toEqual({ predictions: [expectedNumbers] })
			expect(await jsonOf({ signature_name: 'serving_default', instances: [{ x: [1, 2, 3, 4] }] })).toEqual({
				predictions: [expectedNumbers],
			})
		})

		test('columns: the only input, and inputs by name', async () => {
			expect(await jsonOf({ inputs: [[1, 2, 3, 4]] })).toEqual({ outputs: [expectedNumbers] })
			expect(await jsonOf({ signature_name: '', inputs: { x: [[1, 2, 3, 4]] } })).toEqual({ outputs: [expectedNumbers] })
		})

		test('several inputs and outputs, the same in rows and columns', async () => {
			const at = '/v1/models/m:predict'
			const { predictions } = await jsonOf({ instances: ids.map((row, index) => ({ ids: row, mask: mask[index] })) }, at)
			const { outputs } = (await jsonOf({ inputs: { ids, mask } }, at)) as { outputs: { vector: number[][]; count: number[][] } }
			expect(outputs.count).toEqual([[4], [2]])
			expect(predictions).toEqual(outputs.vector.map((vector, row) => ({ vector, count: outputs.count[row] })))
		})

		test('in a version, by its first number or whole', async () => {
			for (const version of ['1', '1.0.0', '%5E1'])
				expect(await jsonOf({ instances: [[1, 2, 3, 4]] }, `/v1/models/tiny/versions/${version}:predict`)).toEqual({
					predictions: [expectedNumbers],
				})
		})

		test('an answer tells where it ran', async () => {
			const response = await post({ instances: [[1, 2, 3, 4]] })
			expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'edge', model: 'tiny', version: '1.0.0' })
			await response.arrayBuffer()
		})
	})

	describe('what does not fit is refused', () => {
		const wrong: [string, unknown, number, RegExp][] = [
			['neither rows nor columns', {}, 400, /"instances".*"inputs"/],
			['both', { instances: [[1, 2, 3, 4]], inputs: [[1, 2, 3, 4]] }, 400, /one of them/],
			['no row', { instances: [] }, 400, /at least one/],
			['no list', { instances: { x: [1] } }, 400, /list/],
			['another signature', { signature_name: 'other', instances: [[1, 2, 3, 4]] }, 400, /serving_default/],
			['a signature that is no text', { signature_name: 1, instances: [[1, 2, 3, 4]] }, 400, /string/],
			['ragged rows', { inputs: [[1, 2, 3, 4], [1]] }, 400, /axis/],
			['another shape', { instances: [[1, 2, 3]] }, 400, /shape/],
			['another name', { instances: [{ z: [1, 2, 3, 4] }] }, 400, /"z"/],
			['a name too many', { inputs: { x: [[1, 2, 3, 4]], z: 1 } }, 400, /"z"/],
			['text', { instances: [['a', 'b', 'c', 'd']] }, 400, /"a"/],
			['null', { instances: [[1, 2, null, 4]] }, 400, /null/],
			['a number that FP32 does not hold', { instances: [[1, 2, 3, 1e300]] }, 400, /FP32/],
			['no object', [1], 400, /object/],
		]
		test.each(wrong)('%s', async (_, body, status, words) => {
			const refused = await refusal(await post(body))
			expect(refused.status).toBe(status)
			expect(refused.error).toMatch(words)
		})

		test('a model, a version, a label, a method that is not there', async () => {
			for (const at of [
				'/v1/models/nope:predict',
				'/v1/models/tiny/versions/9:predict',
				'/v1/models/tiny/labels/nope:predict',
				'/v1/models/tiny:nope',
				'/v1/models/tiny:constructor',
			])
				expect((await refusal(await post({ instances: [[1, 2, 3, 4]] }, at))).status, at).toBe(404)
			for (const at of [
				'/v1/models/nope',
				'/v1/models/nope/metadata',
				'/v1/models/tiny/versions/9',
				'/v1/models/tiny/labels/nope/metadata',
			])
				expect((await refusal(await call(edge(), at))).status, at).toBe(404)
		})

		test('POST without a method, and GET with one, are a 405 that tells the right ones', async () => {
			const posted = await post({ instances: [[1, 2, 3, 4]] }, '/v1/models/tiny')
			expect(posted.headers.get('allow')).toBe('GET, HEAD')
			expect((await refusal(posted)).status).toBe(405)
			for (const at of [path, '/v1/models/tiny/versions/1:predict', '/v1/models/tiny/labels/a:classify']) {
				const response = await call(edge(), at, { key: keys.secret })
				expect(response.headers.get('allow'), at).toBe('POST')
				expect((await refusal(response)).status, at).toBe(405)
			}
		})

		test('without a key, over the limit, in another space, too late', async () => {
			const body = { instances: [[1, 2, 3, 4]] }
			expect((await refusal(await call(edge(), path, { json: body }))).status).toBe(401)
			expect((await refusal(await post({ instances: [[' '.repeat(300 * 1024)]] }))).status).toBe(413)
			expect((await refusal(await post(body, path, { 'spillway-space': 'other' }))).status).toBe(409)
			expect((await refusal(await post(body, path, { 'spillway-time-left': '0' }))).status).toBe(504)
		})

		test('what a model does not do is a 501', async () => {
			const examples = { examples: [{ x: [1, 2, 3, 4] }] }
			expect((await refusal(await post(examples, '/v1/models/tiny:regress'))).status).toBe(501)
			expect((await refusal(await post({ examples: [{ ids: [2] }] }, '/v1/models/m:classify'))).status).toBe(501)
			expect((await refusal(await post(examples, '/v1/models/tiny:explain'))).status).toBe(501)
		})
	})

	describe('classify', () => {
		test('gives scores in the order of the output, of features with and without a context', async () => {
			const results = [expectedNumbers.map((score) => ['', score])]
			expect(await jsonOf({ examples: [{ x: [1, 2, 3, 4] }] }, '/v1/models/tiny:classify')).toEqual({ results })
			expect(await jsonOf({ context: { x: [1, 2, 3, 4] }, examples: [{}] }, '/v1/models/tiny:classify')).toEqual({ results })
		})
	})

	describe('status and metadata, without a key', () => {
		const get = async (at: string) => (await call(edge(), at)).json()
		const available = { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }

		test('the state of a version, with what KServe’s clients ask for', async () => {
			for (const at of ['/v1/models/tiny', '/v1/models/tiny/versions/1'])
				expect(await get(at)).toEqual({ name: 'tiny', ready: true, model_version_status: [available] })
			expect(await get('/v1/models')).toEqual({ models: ['m', 'tiny', 'js'] })
		})

		test('the signature: datatypes and shapes, -1 for any size', async () => {
			const { model_spec, metadata } = (await get('/v1/models/m/metadata')) as {
				model_spec: object
				metadata: { signature_def: { signature_def: { serving_default: { inputs: Record<string, object>; outputs: object } } } }
			}
			expect(model_spec).toEqual({ name: 'm', signature_name: '', version: '1' })
			const { inputs, outputs } = metadata.signature_def.signature_def.serving_default
			expect(inputs.ids).toMatchObject({ dtype: 'DT_INT64', tensor_shape: { dim: [{ size: '-1' }, { size: '-1' }], unknown_rank: false } })
			expect(outputs).toMatchObject({ vector: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }, { size: '4' }] } } })
		})
	})
}
