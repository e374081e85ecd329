// Who may read the figures, by configuration.

import { afterEach, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { startLocal } from './local.ts'
import { call, keys } from './suites/under-test.ts'

let edge: Awaited<ReturnType<typeof startLocal>> | undefined
afterEach(() => edge?.close())

const statusWith = async (metrics: EdgeConfigInput['metrics'], headers: Record<string, string> = {}, key?: string) => {
	edge = await startLocal({ config: { metrics } })
	return (await call(edge, '/metrics', { headers, ...(key && { key }) })).status
}

test('by default, whoever connects from this machine', async () => {
	expect(await statusWith({})).toBe(200)
})

test('but not through a proxy on it, unless with a key', async () => {
	expect(await statusWith({}, { 'x-forwarded-for': '203.0.113.9' })).toBe(401)
	expect(await statusWith({}, { 'x-forwarded-for': '203.0.113.9' }, keys.metrics)).toBe(200)
})

test('nor a page of another origin that is open in a browser on it', async () => {
	edge = await startLocal({ config: { metrics: {} } })
	for (const path of ['/metrics', '/v1/telemetry']) {
		expect((await call(edge, path, { headers: { origin: 'https://elsewhere.example' } })).status).toBe(401)
		expect((await call(edge, path, {})).status).toBe(200)
	}
})

test('everyone, when the configuration says so', async () => {
	expect(await statusWith({ access: 'public' }, { 'x-forwarded-for': '203.0.113.9' })).toBe(200)
})

test('keys alone, when it says that', async () => {
	expect(await statusWith({ access: 'key' })).toBe(401)
	expect(await statusWith({ access: 'key' }, {}, keys.metrics)).toBe(200)
})
