// Keys and quotas by themselves; over HTTP they are in the suite.

import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { authorize } from '../../edge/auth/authorize.ts'
import { hashKey, newKey } from '../../edge/auth/key.ts'
import { checkOrigin } from '../../edge/auth/origin.ts'
import { inAdvanceOf, memoryQuota, type Quota } from '../../edge/auth/quota.ts'
import { loadConfig } from '../../edge/config/load.ts'
import type { KeyConfig } from '../../edge/config/schema.ts'
import type { EdgeEnv } from '../../edge/env.ts'
import { isLocal } from '../../edge/guard/loopback.ts'
import { startClock } from '../../runtime/core/deadline.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'

test('a new key says what it is, has 256 random bits, and is told with its hash', async () => {
	const secret = await newKey('secret')
	const publishable = await newKey('publishable')
	expect(secret.key).toMatch(/^sk_[A-Za-z0-9_-]{43}$/)
	expect(publishable.key).toMatch(/^pk_[A-Za-z0-9_-]{43}$/)
	expect(secret.hash).toBe(await hashKey(secret.key))
	expect(await hashKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('a quota gives its requests at once, then one by one, and never lies about when', () => {
	let now = 0
	const quota = memoryQuota(() => now)
	const take = () => quota.take('a', 60)
	for (let i = 0; i < 60; i++) expect(take()).toEqual({ allowed: true, retryAfter: 0, taken: 1 })
	expect(take()).toEqual({ allowed: false, retryAfter: 1000, taken: 0 })
	now = 400
	expect(take()).toMatchObject({ allowed: false, retryAfter: expect.closeTo(600, 6) })
	now = 1000
	expect(take()).toMatchObject({ allowed: true })
	expect(take()).toMatchObject({ allowed: false })
	expect(quota.take('b', 60)).toMatchObject({ allowed: true })
	now = 3_600_000
	for (let i = 0; i < 60; i++) expect(take()).toMatchObject({ allowed: true })
	expect(take()).toMatchObject({ allowed: false })
})

test('of a large quota some are taken in advance, and never more than there are; of a small one each is asked for', async () => {
	let now = 0
	let asked = 0
	const shared = memoryQuota(() => now)
	const counted: Quota = {
		take(key, perMinute, most) {
			asked++
			return shared.take(key, perMinute, most)
		},
	}
	const [one, other] = [inAdvanceOf(counted), inAdvanceOf(counted)]
	const allowed = async (perMinute: number, times: number) => {
		let count = 0
		for (let i = 0; i < times; i++) if ((await (i % 2 ? one : other).take(`a${perMinute}`, perMinute)).allowed) count++
		return count
	}
	expect(await allowed(6000, 7000)).toBe(6000)
	expect(asked).toBeLessThan(2000)
	now = 1000
	expect(await allowed(6000, 200)).toBe(100)
	asked = 0
	expect(await allowed(60, 70)).toBe(60)
	expect(asked).toBe(70)
})

const keyFor = (key: object): KeyConfig =>
	loadConfig({ file: { keys: [{ id: 'a', hash: 'a'.repeat(64), kind: 'publishable', ...key }] } }).keys[0] as KeyConfig

const request = (url: string, headers: Record<string, string> = {}) => new Request(url, { headers })

test("a page's GET to its own origin carries no Origin: then Sec-Fetch-Site and the host tell, also behind a proxy that ends TLS", () => {
	const key = keyFor({ origins: ['https://app.example.com'] })
	const same = { 'sec-fetch-site': 'same-origin' }
	expect(() => checkOrigin(request('https://app.example.com/openai/v1/models', same), key)).not.toThrow()
	expect(() => checkOrigin(request('http://app.example.com/openai/v1/models', same), key)).not.toThrow()
	expect(() => checkOrigin(request('https://other.example.com/openai/v1/models', same), key)).toThrow(/other\.example\.com/)
	expect(() => checkOrigin(request('https://app.example.com/openai/v1/models'), key)).toThrow(/pages only/)
})

test('a loopback key is good for any page only while the edge is reached under a loopback name', () => {
	const key = keyFor({ loopback: true, servers: true })
	const page = { origin: 'https://anywhere.example' }
	for (const host of ['localhost:8787', '127.0.0.1:8787', '[::1]:8787', 'spillway.localhost'])
		expect(() => checkOrigin(request(`http://${host}/`, page), key)).not.toThrow()
	// A name that was made to lead here (DNS rebinding) stays the name that the page asked for.
	for (const host of ['edge.example.com', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])
		expect(() => checkOrigin(request(`http://${host}/`, page), key)).toThrow(/anywhere\.example/)
})

test('figures are local to who connects from this machine, by a loopback name, without a proxy between', () => {
	expect(isLocal(request('http://localhost:8787/metrics'), '127.0.0.1')).toBe(true)
	expect(isLocal(request('http://localhost:8787/metrics'), '::ffff:127.0.0.1')).toBe(true)
	expect(isLocal(request('http://localhost:8787/metrics'), undefined)).toBe(false)
	expect(isLocal(request('http://localhost:8787/metrics'), '10.0.0.7')).toBe(false)
	expect(isLocal(request('http://edge.example.com/metrics'), '127.0.0.1')).toBe(false)
	expect(isLocal(request('http://localhost/metrics', { 'x-forwarded-for': '8.8.8.8' }), '127.0.0.1')).toBe(false)
})

test('who waits in vain for the count of a quota is told so when the time of the call is over', async () => {
	const hash = await hashKey('sk_few')
	const config = loadConfig({ file: { keys: [{ id: 'few', hash, kind: 'secret', requestsPerMinute: 2 }] } })
	const quota: Quota = { take: () => new Promise(() => {}) }
	const app = new Hono<EdgeEnv>()
	app.use((c, next) => {
		c.set('remaining', startClock(50))
		return next()
	})
	app.onError((error, c) => c.text((error as SpillwayError).code))
	app.get('/', authorize({ config, quota }, 'infer'), (c) => c.text('let through'))
	expect(await (await app.request('/', { headers: { 'x-api-key': 'sk_few' } })).text()).toBe('deadline-exceeded')
})
