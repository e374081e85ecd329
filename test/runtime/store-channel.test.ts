// Channels that cannot be used: the last good version goes on, and without one it is an error that says why.

import { describe, expect, test, vi } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { channelPath } from '../../models/format/layout.ts'
import { chunks, first, load, name, second, server, signal, storeFor } from './store-loading.ts'
import { type Fault, faults } from './tiny-server.ts'

const now = () => Math.floor(Date.now() / 1000)

describe('a channel that cannot be used', () => {
	const cases: [string, () => Promise<unknown> | unknown, string, RegExp][] = [
		['is not there', () => server.remove(channelPath(name)), 'not-found', /the channel of tiny-text: .*channel\.jws answered 404/],
		['is a page of HTML', () => server.spoil(/channel/, faults.html), 'malformed', /text\/html/],
		['is signed by another key', async () => server.publish(first, { key: await generateSigningKey() }), 'untrusted', /trusted is/],
		['was changed', () => server.spoil(/channel/, faults.flipped), 'untrusted|malformed', /channel/],
		['has expired', () => server.publish(first, { expires: now() - 10 }), 'channel-expired', /expired on/],
		['answers 403', () => server.spoil(/channel/, faults.status(403)), 'forbidden', /403/],
		['answers 500 for ever', () => server.spoil(/channel/, faults.status(500)), 'upstream', /500/],
		['is cut off for ever', () => server.spoil(/channel/, faults.closed), 'network', /cannot be fetched/],
	]

	test.each(cases)('%s: without a stored version it is an error', async (_, spoil, code, message) => {
		await spoil()
		await expect(load()).rejects.toMatchObject({
			code: expect.stringMatching(new RegExp(`^(${code})$`)),
			message: expect.stringMatching(message),
		})
	})

	test.each(cases)('%s: the last good version goes on, and the reason is told', async (_, spoil, code) => {
		await load()
		await spoil()
		server.requests.length = 0
		const again = await load()
		expect(again.digest).toBe(first.digest)
		expect(again.asked).toMatch(new RegExp(`^(${code}): `))
		expect(chunks()).toEqual([])
	})

	test('is older than one seen before', async () => {
		await server.publish(first, { serial: 7 })
		await load()
		await server.publish(await second(), { serial: 6 })
		const again = await load()
		expect(again.digest).toBe(first.digest)
		expect(again.asked).toMatch(/channel-rollback: .*serial number 6, but 7 was seen/)
		expect((await load()).digest).toBe(first.digest)
	})

	test('is older than one seen before, of which no version could be loaded', async () => {
		await server.publish(first, { serial: 7 })
		await storeFor().resolve(name, undefined, signal())
		await server.publish(first, { serial: 6 })
		await expect(load()).rejects.toMatchObject({ code: 'channel-rollback' })
	})

	test('is offline: the stored version is there at once, with nothing asked but the channel', async () => {
		await load()
		await server.close()
		const again = await load()
		expect(again.bytes.stored).toBe(again.bytes.total)
		expect(again.asked).toMatch(/^network: /)
	})

	test('does not hold up a stored version: it may never answer', async () => {
		await load()
		server.spoil(/channel/, () => {})
		const controller = new AbortController()
		const { first: pointer, next, revalidation } = await storeFor().resolve(name, undefined, controller.signal)
		expect([pointer, next]).toEqual([{ digest: first.digest, version: '1.0.0', serial: 1 }, null])
		controller.abort()
		expect(await revalidation).toMatchObject({ error: { code: 'aborted' } })
	})
})

test('a channel that was not heard for more than a day is worth waiting for', async () => {
	await load()
	const overdue = async () => (await storeFor().resolve(name, undefined, AbortSignal.abort())).overdue
	expect(await overdue()).toBe(false)
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3_600_000 })
	try {
		expect(await overdue()).toBe(true)
	} finally {
		vi.useRealTimers()
	}
})

test('a channel and keys have a limit of their own', async () => {
	const big = (response: Parameters<Fault>[0]) => void response.writeHead(200).end(new Uint8Array(256 * 1024 + 1))
	for (const trust of [{ keys: [server.key] }, { jwks: `${server.base}jwks.json` }]) {
		server.spoil('jwks' in trust ? /jwks/ : /channel/, big)
		await expect(load(storeFor({ trust }))).rejects.toMatchObject({
			code: 'integrity',
			message: expect.stringContaining('more than 262144'),
		})
		server.mend()
	}
})
