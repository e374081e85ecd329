// Keys: who gets in, from where, and how often.

import { describe, expect, test } from 'vitest'
import { call, type EdgeUnderTest, keys, pageOrigin, problemOf, suiteConfig } from './under-test.ts'

const embed = { model: 'm', input: ['hello'] }

export function authSuite(edge: () => EdgeUnderTest): void {
	const withKey = (key?: string, headers: Record<string, string> = {}) =>
		call(edge(), '/v1/tasks/embed', { ...(key !== undefined && { key }), json: embed, headers })

	describe('keys', () => {
		test('a call without a key is refused, and told how to send one', async () => {
			const response = await withKey()
			expect(response.status).toBe(401)
			expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
			expect(await problemOf(response)).toMatchObject({ code: 'unauthenticated', detail: expect.stringContaining('x-api-key') })
		})

		test('a key that is not known is refused, whatever it looks like', async () => {
			for (const key of ['sk-tesT', 'sk-test2', 'sk-tes', 'x'.repeat(5000)]) {
				const response = await withKey(key)
				expect(response.status).toBe(401)
				expect((await problemOf(response)).code).toBe('unauthenticated')
			}
		})

		test('a hash in place of its key does not work', async () => {
			expect((await withKey(suiteConfig.keys[0]?.hash)).status).toBe(401)
		})

		test('a key works as Bearer token and as x-api-key', async () => {
			expect((await withKey(keys.secret)).status).toBe(200)
			expect((await withKey(undefined, { 'x-api-key': keys.secret })).status).toBe(200)
			expect((await withKey(undefined, { authorization: `bearer  ${keys.secret}` })).status).toBe(200)
		})

		test("every route that runs a model, and OpenAI's list of models, need one", async () => {
			for (const [method, path] of [
				['POST', '/v1/tasks/embed'],
				['POST', '/v2/models/tiny/infer'],
				['POST', '/v2/models/tiny/versions/1.0.0/infer'],
				['POST', '/openai/v1/embeddings'],
				['GET', '/openai/v1/models'],
				['GET', '/openai/v1/models/m'],
			] as const) {
				expect((await call(edge(), path, { method })).status, path).toBe(401)
			}
		})

		test('a key is only good for its scopes', async () => {
			const response = await withKey(keys.metrics)
			expect(response.status).toBe(403)
			expect(await problemOf(response)).toMatchObject({ code: 'forbidden', detail: expect.stringContaining('infer') })
			expect((await call(edge(), '/metrics', { key: keys.secret })).status).toBe(403)
		})
	})

	describe('keys in pages', () => {
		test('a publishable key works for pages of its origins', async () => {
			expect((await withKey(keys.publishable, { origin: pageOrigin })).status).toBe(200)
		})

		test('but for no other page, and for no server', async () => {
			for (const origin of ['https://evil.example', 'http://app.example.com', 'https://app.example.com:8443', 'null']) {
				const response = await withKey(keys.publishable, { origin })
				expect(response.status, origin).toBe(403)
				expect(await problemOf(response)).toMatchObject({ code: 'forbidden', detail: expect.stringContaining(origin) })
			}
			expect((await withKey(keys.publishable)).status).toBe(403)
		})

		test('the demo key works for servers and, over loopback, for pages of any origin', async () => {
			expect((await withKey(keys.demo)).status).toBe(200)
			expect((await withKey(keys.demo, { origin: 'https://anywhere.example' })).status).toBe(200)
			expect((await withKey(keys.demo, { origin: 'null' })).status).toBe(200)
		})

		test('a secret key in a page is refused: there it is no secret', async () => {
			const response = await withKey(keys.secret, { origin: pageOrigin })
			expect(response.status).toBe(403)
			expect((await problemOf(response)).detail).toMatch(/publishable/)
		})

		test('pages of any origin get an answer to their preflight, and may read what the answers tell', async () => {
			for (const path of ['/v1/tasks/embed', '/v2/models/tiny/infer', '/openai/v1/embeddings']) {
				const preflight = await call(edge(), path, {
					method: 'OPTIONS',
					headers: {
						origin: pageOrigin,
						'access-control-request-method': 'POST',
						'access-control-request-headers': 'authorization,content-type,spillway-time-left',
					},
				})
				expect(preflight.status).toBe(204)
				expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
				expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
				expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type,spillway-time-left')
				expect(Number(preflight.headers.get('access-control-max-age'))).toBeGreaterThan(0)
			}
			const answer = await withKey(keys.publishable, { origin: pageOrigin })
			expect(answer.headers.get('access-control-allow-origin')).toBe('*')
			for (const name of ['spillway-ran', 'server-timing', 'retry-after', 'inference-header-content-length'])
				expect(answer.headers.get('access-control-expose-headers')?.toLowerCase()).toContain(name)
			expect(answer.headers.get('timing-allow-origin')).toBe('*')
			for (const refusal of [
				await withKey('wrong', { origin: pageOrigin }),
				await withKey(keys.publishable, { origin: pageOrigin, 'spillway-time-left': 'x' }),
			])
				expect([refusal.ok, refusal.headers.get('access-control-allow-origin')]).toEqual([false, '*'])
		})

		test('servers are not sent what pages only look at, unless a cache may keep it', async () => {
			const posted = await withKey(keys.secret)
			expect([posted.status, posted.headers.get('access-control-allow-origin')]).toEqual([200, null])
			expect((await call(edge(), '/v2/models/tiny')).headers.get('access-control-allow-origin')).toBe('*')
		})
	})

	describe('quota', () => {
		test('a key over its quota is told when to come back', async () => {
			const answers = []
			for (let i = 0; i < 5; i++) answers.push(await withKey(keys.limited))
			const refused = answers.filter(({ status }) => status === 429)
			expect(refused.length).toBeGreaterThanOrEqual(1)
			expect(answers.slice(0, 3).map(({ status }) => status)).toEqual([200, 200, 200])
			const last = refused.at(-1) as Response
			const seconds = Number(last.headers.get('retry-after'))
			// One of three a minute comes back every 20 s.
			expect(seconds).toBeGreaterThanOrEqual(1)
			expect(seconds).toBeLessThanOrEqual(20)
			expect((await problemOf(last)).code).toBe('rate-limited')
			expect((await withKey(keys.secret)).status).toBe(200)
		})
	})
}
