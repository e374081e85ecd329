// Broken, hostile and late requests: each ends in a typed error, and the edge goes on.

import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { call, type EdgeUnderTest, keys, problemOf } from './under-test.ts'

const posts = ['/v1/tasks/embed', '/v2/models/tiny/infer', '/openai/v1/embeddings']
/** With those whose errors tell no code. */
const jsonPosts = [...posts, '/v1/models/tiny:predict', '/predictions/tiny', '/endpoints/tiny/invocations', '/score']

export function faultsSuite(edge: () => EdgeUnderTest): void {
	const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
		call(edge(), path, { key: keys.secret, method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

	/** The code in either form of error. */
	const codeOf = async (response: Response) => {
		const body = (await response.json()) as { code?: string; error?: { code?: string } }
		return (body.code ?? body.error?.code)?.replaceAll('_', '-')
	}

	afterEach(async () => {
		expect((await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: { model: 'm', input: ['hello'] } })).status).toBe(200)
	})

	describe('routes', () => {
		test('what is not there is a 404', async () => {
			for (const path of ['/nope', '/v1/nope', '/v2/nope', '/v2/models/tiny/config']) {
				const response = await call(edge(), path)
				expect(response.status, path).toBe(404)
				expect((await problemOf(response)).code).toBe('not-found')
			}
		})

		test('a wrong method is a 405 that tells the right ones', async () => {
			for (const [method, path, allow] of [
				['GET', '/v1/tasks/embed', 'POST'],
				['PUT', '/v2/models/tiny/infer', 'POST'],
				['POST', '/v2/health/live', 'GET, HEAD'],
				['DELETE', '/healthz', 'GET, HEAD'],
			] as const) {
				const response = await call(edge(), path, { method })
				expect(response.status, path).toBe(405)
				expect(response.headers.get('allow')).toBe(allow)
				expect((await problemOf(response)).status).toBe(405)
			}
		})

		test('HEAD is a GET without the body', async () => {
			const response = await call(edge(), '/v2', { method: 'HEAD' })
			expect(response.status).toBe(200)
			expect(await response.text()).toBe('')
		})
	})

	describe('bodies', () => {
		test.each(posts)('%s: over the limit, with and without a length', async (path) => {
			const big = new Uint8Array(300 * 1024).fill(0x20)
			expect(await codeOf(await post(path, big))).toBe('too-large')
			const chunked = await call(edge(), path, {
				key: keys.secret,
				method: 'POST',
				body: new Blob([big]).stream(),
				// Sent in pieces, without a Content-Length.
				...({ duplex: 'half' } as object),
			})
			expect(chunked.status).toBe(413)
			expect(await codeOf(chunked)).toBe('too-large')
		})

		test.each(posts)('%s: small when sent, large when unpacked', async (path) => {
			const zeros = new Blob([new Uint8Array(20 * 1024 * 1024)]).stream().pipeThrough(new CompressionStream('gzip'))
			const response = await post(path, await new Response(zeros).arrayBuffer(), { 'content-encoding': 'gzip' })
			expect(response.status).toBe(413)
			expect(await codeOf(response)).toBe('too-large')
		})

		test.each(jsonPosts)('%s: 10,000 brackets deep', async (path) => {
			for (const body of [
				'['.repeat(10_000) + ']'.repeat(10_000),
				`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
				`{"model":"m","input":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
				`{"instances":${'['.repeat(10_000)}1${']'.repeat(10_000)}}`,
				`{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":${'['.repeat(10_000)}1${']'.repeat(10_000)}}]}`,
				'['.repeat(10_000),
			]) {
				const response = await post(path, body)
				expect(response.status).toBe(400)
				await response.arrayBuffer()
			}
		})

		test.each(jsonPosts)('%s: empty, cut off, no JSON, no UTF-8', async (path) => {
			for (const body of [
				'',
				'{"model":"m","inp',
				'NaN',
				'{"model":NaN}',
				new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
				'null',
				'5',
				'[]',
				'"m"',
			]) {
				const response = await post(path, body as BodyInit)
				expect(response.status, String(body)).toBe(400)
				await response.arrayBuffer()
			}
		})

		test('encodings: broken ones and unknown ones', async () => {
			const broken = await post('/v1/tasks/embed', new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]), {
				'content-encoding': 'gzip',
			})
			expect(broken.status).toBe(400)
			expect((await problemOf(broken)).code).toBe('malformed')
			const unknown = await post('/v1/tasks/embed', '{}', { 'content-encoding': 'br' })
			expect(unknown.status).toBe(422)
			expect((await problemOf(unknown)).detail).toMatch(/gzip/)
		})

		test('lengths of binary tensors that do not fit', async () => {
			const head = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } }] })
			const with16 = new Blob([head, new Uint8Array(16)])
			for (const [body, length] of [
				[with16, '9999999'],
				[with16, '-1'],
				[with16, 'x'],
				[with16, String(head.length - 1)],
				[new Blob([head, new Uint8Array(12)]), String(head.length)],
				[new Blob([head, new Uint8Array(20)]), String(head.length)],
				[with16, '0'],
			] as const) {
				const response = await post('/v2/models/tiny/infer', await body.arrayBuffer(), { 'inference-header-content-length': length })
				expect(response.status, length).toBe(400)
				await problemOf(response)
			}
		})

		test('a client that leaves in the middle of its body, or never ends it', async () => {
			const { hostname, port } = new URL(edge().url)
			const head = `POST /v1/tasks/embed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.secret}\r\nContent-Length: 1000\r\nSpillway-Time-Left: 300\r\n\r\n{"model"`
			await new Promise<void>((resolve, reject) => {
				const leaving = connect(Number(port), hostname, () => leaving.write(head, () => leaving.destroy()))
				leaving.on('close', () => resolve()).on('error', reject)
			})
			const answer = await new Promise<string>((resolve, reject) => {
				const stalled = connect(Number(port), hostname, () => stalled.write(head))
				stalled.setTimeout(10_000, () => stalled.destroy(new Error('no answer')))
				stalled.on('data', (data) => {
					stalled.destroy()
					resolve(String(data))
				})
				stalled.on('error', reject)
			})
			expect(answer).toMatch(/^HTTP\/1\.1 504 /)
		})
	})

	describe('what a request says about its call', () => {
		const embed = { model: 'm', input: ['hello'] }

		test('no time left is a 504', async () => {
			const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: embed, headers: { 'spillway-time-left': '0' } })
			expect(response.status).toBe(504)
			expect((await problemOf(response)).code).toBe('deadline-exceeded')
		})

		test('headers that are no whole numbers are refused', async () => {
			for (const name of ['spillway-time-left', 'spillway-hops', 'spillway-retries']) {
				for (const value of ['soon', '-1', '1.5', '1e3', '9'.repeat(30)]) {
					const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: embed, headers: { [name]: value } })
					expect(response.status, `${name}: ${value}`).toBe(400)
					expect((await problemOf(response)).detail).toContain(name)
				}
			}
		})

		test('a priority that is none is refused', async () => {
			const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: embed, headers: { 'spillway-priority': 'urgent' } })
			expect(response.status).toBe(400)
			expect((await problemOf(response)).detail).toContain('spillway-priority')
		})

		test('a call that goes round in circles is stopped', async () => {
			const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: embed, headers: { 'spillway-hops': '5' } })
			expect(response.status).toBe(508)
			expect((await problemOf(response)).detail).toMatch(/upstream/)
		})

		test('a trace header that is none is ignored', async () => {
			const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: embed, headers: { traceparent: 'nonsense' } })
			expect(response.status).toBe(200)
		})
	})
}
