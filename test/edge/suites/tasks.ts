// `POST /v1/tasks/{task}`: text in, binary vectors out.

import { describe, expect, test } from 'vitest'
import { decodeResponse, headerLengthName } from '../../../runtime/remote/oip.ts'
import { expectedVector } from '../../runtime/tiny.ts'
import { call, type EdgeUnderTest, keys, problemOf } from './under-test.ts'

export function tasksSuite(edge: () => EdgeUnderTest): void {
	const embed = (json: unknown, headers: Record<string, string> = {}) =>
		call(edge(), '/v1/tasks/embed', { key: keys.secret, json, headers })

	test('texts become vectors, in order', async () => {
		const response = await embed({ model: 'm', input: ['hello world', 'how are you', 'hello'] })
		expect(response.status).toBe(200)
		const { model, version, outputs, parameters } = decodeResponse(
			new Uint8Array(await response.arrayBuffer()),
			response.headers.get(headerLengthName),
		)
		expect({ model, version, parameters }).toEqual({ model: 'm', version: '1.0.0', parameters: { tokens: 4 + 5 + 3 } })
		expect(outputs.embedding?.shape).toEqual([3, 4])
		const expected = [
			[2, 4, 5, 3],
			[2, 6, 7, 8, 3],
			[2, 4, 3],
		].flatMap(expectedVector)
		Array.from(outputs.embedding?.data as Float32Array).forEach((value, i) => {
			expect(value).toBeCloseTo(expected[i] as number, 5)
		})
		expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'edge', space: edge().space })
	})

	test('odd texts work', async () => {
		const input = ['', '   ', '🙂', '你好', '\u0000\u0007', 'word '.repeat(600), 'x'.repeat(5000), '\ud800']
		const response = await embed({ model: 'm', input })
		expect(response.status).toBe(200)
		const { outputs } = decodeResponse(new Uint8Array(await response.arrayBuffer()), response.headers.get(headerLengthName))
		expect(outputs.embedding?.shape).toEqual([input.length, 4])
		expect(Array.from(outputs.embedding?.data as Float32Array).filter((value) => !Number.isFinite(value))).toEqual([])
	})

	test('a vector space may be asked for, in the body or in a header', async () => {
		const { space } = edge()
		expect((await embed({ model: 'm', input: ['hello'], space })).status).toBe(200)
		expect((await embed({ model: 'm', input: ['hello'] }, { 'spillway-space': space })).status).toBe(200)
		const other = `m@${'0'.repeat(64)}/fp32`
		for (const response of [
			await embed({ model: 'm', input: ['hello'], space: other }),
			await embed({ model: 'm', input: ['hello'] }, { 'spillway-space': other }),
		]) {
			expect(response.status).toBe(409)
			expect(await problemOf(response)).toMatchObject({ code: 'unsupported', detail: expect.stringContaining(space) })
		}
	})

	describe('what does not fit is refused', () => {
		const wrong: [string, unknown, number, string][] = [
			['no model', { input: ['a'] }, 400, 'invalid-input'],
			['no input', { model: 'm' }, 400, 'invalid-input'],
			['an empty list', { model: 'm', input: [] }, 400, 'invalid-input'],
			['a text that is none', { model: 'm', input: ['a', 1] }, 400, 'invalid-input'],
			['a single string', { model: 'm', input: 'a' }, 400, 'invalid-input'],
			['a member that there is not', { model: 'm', input: ['a'], modle: 'm' }, 400, 'invalid-input'],
			['an unknown model', { model: 'nope', input: ['a'] }, 404, 'not-found'],
			['an unknown version', { model: 'm', version: '9.9.9', input: ['a'] }, 404, 'not-found'],
			['a model without the task', { model: 'tiny', input: ['a'] }, 422, 'unsupported'],
			['too many texts', { model: 'm', input: Array(65).fill('a') }, 413, 'too-large'],
			['too long a text', { model: 'm', input: ['a'.repeat(10_001)] }, 413, 'too-large'],
		]
		test.each(wrong)('%s', async (_, body, status, code) => {
			const response = await embed(body)
			expect(response.status).toBe(status)
			expect((await problemOf(response)).code).toBe(code)
		})

		test('an unknown task', async () => {
			const response = await call(edge(), '/v1/tasks/translate', { key: keys.secret, json: { model: 'm', input: ['a'] } })
			expect(response.status).toBe(404)
			expect((await problemOf(response)).detail).toMatch(/embed/)
		})
	})
}
