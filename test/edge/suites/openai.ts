// OpenAI's embeddings and models, as its official client sees them and on the wire.

import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { expectedVector } from '../../runtime/tiny.ts'
import { call, type EdgeUnderTest, keys } from './under-test.ts'

/** OpenAI's answer to an empty string, word for word. */
const emptyString = {
	error: {
		message: "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
		type: 'invalid_request_error',
		param: null,
		code: null,
	},
}

export function openaiSuite(edge: () => EdgeUnderTest): void {
	const client = (apiKey = keys.secret) => new OpenAI({ apiKey, baseURL: `${edge().url}/openai/v1`, maxRetries: 0 })
	const post = (json: unknown) => call(edge(), '/openai/v1/embeddings', { key: keys.secret, json })

	const expectClose = (vector: readonly number[] | undefined, ids: readonly number[]) => {
		expect(vector).toHaveLength(4)
		expectedVector(ids).forEach((value, i) => {
			expect(vector?.[i]).toBeCloseTo(value, 5)
		})
	}

	describe('the official client, unmodified', () => {
		test('gets embeddings (base64 on the wire, as it asks by itself)', async () => {
			const { data, model, usage } = await client().embeddings.create({ model: 'm', input: ['hello world', 'hello'] })
			expect(data.map(({ index }) => index)).toEqual([0, 1])
			expectClose(data[0]?.embedding, [2, 4, 5, 3])
			expectClose(data[1]?.embedding, [2, 4, 3])
			expect({ model, usage }).toEqual({ model: 'm', usage: { prompt_tokens: 7, total_tokens: 7 } })
		})

		test('gets floats, of one text', async () => {
			const { data } = await client().embeddings.create({ model: 'm', input: 'hello', encoding_format: 'float', dimensions: 4, user: 'u' })
			expectClose(data[0]?.embedding, [2, 4, 3])
		})

		test('lists the models that embed', async () => {
			const list = await client().models.list()
			expect(list.data.map(({ id }) => id)).toEqual(['m'])
			expect(await client().models.retrieve('m')).toMatchObject({ id: 'm', object: 'model', owned_by: 'spillway' })
		})

		test('throws its own errors', async () => {
			await expect(client('wrong').embeddings.create({ model: 'm', input: 'a' })).rejects.toThrow(OpenAI.AuthenticationError)
			await expect(client().embeddings.create({ model: 'nope', input: 'a' })).rejects.toMatchObject({
				status: 404,
				code: 'model_not_found',
			})
			await expect(client().models.retrieve('tiny')).rejects.toThrow(OpenAI.NotFoundError)
			await expect(client().embeddings.create({ model: 'm', input: '' })).rejects.toThrow(OpenAI.BadRequestError)
			await expect(client().responses.create({ model: 'm', input: 'a' })).rejects.toThrow(OpenAI.NotFoundError)
		})
	})

	describe('on the wire', () => {
		test('an empty string gets what OpenAI says', async () => {
			for (const input of ['', [''], ['hello', ''], []]) {
				const response = await post({ model: 'm', input })
				expect(response.status).toBe(400)
				expect(response.headers.get('content-type')).toBe('application/json')
				expect(await response.json()).toEqual(emptyString)
			}
			expect((await post({ model: 'm', input: ' ' })).status).toBe(200)
		})

		test('floats are the default, base64 holds the same numbers', async () => {
			const floats = (await (await post({ model: 'm', input: 'hello' })).json()) as { data: { embedding: number[] }[] }
			const packed = (await (await post({ model: 'm', input: 'hello', encoding_format: 'base64' })).json()) as {
				data: { embedding: string }[]
			}
			const bytes = Uint8Array.from(atob(packed.data[0]?.embedding ?? ''), (character) => character.charCodeAt(0))
			expect(Array.from(new Float32Array(bytes.buffer))).toEqual(floats.data[0]?.embedding)
		})

		const refused: [string, unknown, object][] = [
			['no model', { input: 'a' }, { message: 'you must provide a model parameter' }],
			['no input', { model: 'm' }, { param: 'input', code: 'missing_required_parameter' }],
			['an input that is none', { model: 'm', input: { a: 1 } }, emptyString.error],
			['a list with something else', { model: 'm', input: ['a', null] }, emptyString.error],
			['tokens of another tokenizer', { model: 'm', input: [1, 2, 3] }, { param: 'input', code: 'tokens_not_supported' }],
			['lists of tokens', { model: 'm', input: [[1, 2], [3]] }, { param: 'input', code: 'tokens_not_supported' }],
			['too many texts', { model: 'm', input: Array(65).fill('a') }, { param: 'input', code: 'array_above_max_length' }],
			['another number of dimensions', { model: 'm', input: 'a', dimensions: 3 }, { param: 'dimensions' }],
			['an unknown encoding', { model: 'm', input: 'a', encoding_format: 'int8' }, { param: 'encoding_format', code: 'invalid_value' }],
			['an unknown argument', { model: 'm', input: 'a', truncate: true }, { message: 'Unrecognized request argument supplied: truncate' }],
		]
		test.each(refused)('%s is refused', async (_, body, error) => {
			const response = await post(body)
			expect(response.status).toBe(400)
			expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', ...error } })
		})

		test('other errors have the same form', async () => {
			const tooLong = await post({ model: 'm', input: 'a'.repeat(10_001) })
			expect(tooLong.status).toBe(413)
			expect(await tooLong.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'too_large' } })
			const noJson = await call(edge(), '/openai/v1/embeddings', { key: keys.secret, method: 'POST', body: '{' })
			expect(noJson.status).toBe(400)
			expect(await noJson.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
			const noKey = await call(edge(), '/openai/v1/models')
			expect(noKey.status).toBe(401)
			expect(await noKey.json()).toMatchObject({ error: { code: 'invalid_api_key' } })
		})

		test('an answer tells where it ran', async () => {
			const response = await post({ model: 'm', input: 'hello' })
			expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'edge', space: edge().space })
		})
	})
}
