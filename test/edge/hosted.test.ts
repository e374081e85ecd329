import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocal } from './local.ts'
import { hostedSuite } from './suites/hosted.ts'
import { call } from './suites/under-test.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

hostedSuite(() => edge)

test('a platform that checks its callers itself is let in without a key, and only there', async () => {
	const open = await startLocal({ config: { container: { model: 'tiny', access: 'open' } } })
	try {
		const instances = [[1, 2, 3, 4]]
		for (const path of ['/invocations', '/score']) expect((await call(open, path, { json: { instances } })).status).toBe(200)
		for (const path of ['/endpoints/tiny/invocations', '/predictions/tiny'])
			expect([401, 403]).toContain((await call(open, path, { json: { instances } })).status)
	} finally {
		await open.close()
	}
})

test('several models and none named: the container does not choose', async () => {
	const open = await startLocal({ config: { container: {} } })
	try {
		const response = await call(open, '/score', { key: 'sk-test', json: { instances: [[1, 2, 3, 4]] } })
		expect(response.status).toBe(404)
		expect(await response.text()).toMatch(/container\.model/)
	} finally {
		await open.close()
	}
})
