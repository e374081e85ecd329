// The OpenAPI document and the page to read it.

import { describe, expect, test } from 'vitest'
import { call, type EdgeUnderTest } from './under-test.ts'

export function openapiSuite(edge: () => EdgeUnderTest): void {
	describe('OpenAPI', () => {
		test('the document names every route, and each of them is there', async () => {
			const document = (await (await call(edge(), '/openapi.json')).json()) as {
				openapi: string
				paths: Record<string, Record<string, { responses: object; security?: object[] }>>
			}
			expect(document.openapi).toBe('3.1.0')
			expect(Object.keys(document.paths)).toEqual(
				expect.arrayContaining([
					'/v1/tasks/{task}',
					'/v2/models/{name}/infer',
					'/openai/v1/embeddings',
					'/models/chunks/{digest}',
					'/metrics',
				]),
			)
			for (const [path, methods] of Object.entries(document.paths)) {
				for (const [method, { security, responses }] of Object.entries(methods)) {
					const filled = path.replace('{task}', 'embed').replace('{name}', 'tiny').replace('{version}', '1.0.0').replace('{id}', 'm')
					// What takes no body and needs no key is asked for; the others must at least know the method.
					const response = await call(edge(), filled, { method: method.toUpperCase() })
					expect(response.status, `${method} ${path}`).not.toBe(405)
					if (security && !security.some((one) => Object.keys(one).length === 0)) {
						// AWS has no class of errors for 401.
						expect([401, 403], `${method} ${path}`).toContain(response.status)
						expect(Object.keys(responses)).toContain(String(response.status))
					}
					await response.arrayBuffer()
				}
			}
		})

		test('every reference in it leads somewhere', async () => {
			const text = await (await call(edge(), '/openapi.json')).text()
			const { components } = JSON.parse(text) as { components: { schemas: Record<string, unknown> } }
			for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(components.schemas).toHaveProperty(name as string)
		})

		test('the page loads nothing from elsewhere', async () => {
			const page = await call(edge(), '/docs')
			expect(page.status).toBe(200)
			expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
			const html = await page.text()
			for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect(address).toMatch(/^(\/docs\/|data:,$)/)
			expect((await call(edge(), '/docs/start.js')).headers.get('content-type')).toMatch(/javascript/)
		})
	})
}
