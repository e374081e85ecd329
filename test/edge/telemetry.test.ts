import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocal } from './local.ts'
import { exampleReport } from './reports.ts'
import { telemetrySuite } from './suites/telemetry.ts'
import { call, keys, problemOf } from './suites/under-test.ts'

let edge: Awaited<ReturnType<typeof startLocal>>
beforeAll(async () => {
	edge = await startLocal()
})
afterAll(() => edge.close())

telemetrySuite(() => edge)

test('over the quota of reports, a page is told when to come back; calls go on', async () => {
	const narrow = await startLocal({ config: { telemetry: { reportsPerMinute: 2 } } })
	try {
		const send = () => call(narrow, '/v1/telemetry', { json: exampleReport({ key: keys.secret }) })
		expect([(await send()).status, (await send()).status]).toEqual([204, 204])
		const refused = await send()
		expect(refused.status).toBe(429)
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
		expect((await problemOf(refused)).code).toBe('rate-limited')
		expect((await call(narrow, '/v1/tasks/embed', { key: keys.secret, json: { model: 'm', input: ['hello'] } })).status).toBe(200)
	} finally {
		await narrow.close()
	}
})
