// Pages that cannot run models where they are: the edge answers them.

import { describe, expect, test } from 'vitest'
import { embed, open, page, ready, site } from './edge-page.ts'

describe('a page that cannot run models is answered by the edge, and told why', () => {
	const environment = (missing: RegExp) => ({
		executor: 'edge',
		overflow: [{ executor: 'device', reason: 'unsupported', detail: expect.stringMatching(missing) }],
	})

	test('no secure context', async () => {
		const port = new URL(site.origin).port
		const secure = site.origin
		Object.assign(site, { origin: `http://insecure.test:${port}` })
		try {
			await open()
		} finally {
			Object.assign(site, { origin: secure })
		}
		expect(await page.evaluate(() => isSecureContext)).toBe(false)
		expect((await embed()).ran).toMatchObject(environment(/^environment: .*https/))
		expect(await ready()).toMatchObject({ code: 'environment' })
	})

	test.each(['Worker', 'WebAssembly'])('no %s', async (name) => {
		await open({}, (page) => page.addInitScript(`delete globalThis.${name}`))
		expect((await embed()).ran).toMatchObject(environment(new RegExp(`^environment: .*${name}`)))
	})

	test('a content security policy that forbids workers', async () => {
		site.fault = (_, response) => {
			response.setHeader('Content-Security-Policy', "worker-src 'none'")
			return false
		}
		try {
			await open()
			expect(await ready()).toMatchObject({ code: 'environment' })
			expect((await embed()).ran).toMatchObject(environment(/^environment: /))
		} finally {
			site.fault = undefined
		}
	})
})
