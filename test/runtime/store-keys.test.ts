// Trust keys that change, and channels that they do not fit any more.

import { describe, expect, test } from 'vitest'
import { generateSigningKey, publicKey } from '../../models/format/keys.ts'
import { server, start, storeFor, version } from './store-starting.ts'
import { faults } from './tiny-server.ts'

describe('keys', () => {
	const jwks = () => new URL('jwks.json', server.base).href
	const setOf = async (...keys: string[]) => JSON.stringify({ keys: await Promise.all(keys.map(publicKey)) })

	test('overlap: a page that trusts the old and the new one reads what either has signed', async () => {
		const next = await generateSigningKey()
		const trust = { keys: [server.key, next.x] }
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor(trust))
		await server.publish(await version('1.1.0'), { serial: 2, key: next })
		expect(await start(undefined, storeFor(trust))).toMatchObject({ told: { version: '1.1.0' } })
		// One that knows the old key alone goes on with what it has.
		expect(await start()).toMatchObject({ version: '1.0.0', told: expect.stringMatching(/^untrusted: .*trusted is/) })
	})

	test('of an edge change: the next start asks for them', async () => {
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor({ jwks: jwks() }))
		const next = await generateSigningKey()
		await server.publish(await version('1.1.0'), { serial: 2, key: next })
		const set = await setOf(next.x, server.key)
		server.spoil(/jwks/, (response) => void response.end(set))
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({ told: { version: '1.1.0' } })
	})

	test('of an edge change in this moment: they are asked for again', async () => {
		const next = await generateSigningKey()
		await server.publish(await version('1.0.0'), { key: next })
		const before = await setOf(server.key)
		const after = await setOf(next.x, server.key)
		server.spoil(/jwks/, (response) => void response.end(before), 1)
		server.spoil(/jwks/, (response) => void response.end(after))
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({ version: '1.0.0', told: null })
	})

	test('that signed before and are not trusted any more: what they sign is refused', async () => {
		await server.publish(await version('1.0.0'))
		await start(undefined, storeFor({ jwks: jwks() }))
		const next = await generateSigningKey()
		const set = await setOf(next.x)
		server.spoil(/jwks/, (response) => void response.end(set))
		await server.publish(await version('6.6.6'), { serial: 9 })
		expect(await start(undefined, storeFor({ jwks: jwks() }))).toMatchObject({
			version: '1.0.0',
			told: expect.stringMatching(/^untrusted: /),
		})
	})
})

test('a channel that is asked again is not lost when the keys cannot be had', async () => {
	const trust = { jwks: new URL('jwks.json', server.base).href }
	await server.publish(await version('1.0.0'))
	await start(undefined, storeFor(trust))
	server.spoil(/jwks/, faults.closed)
	expect(await start(undefined, storeFor(trust))).toMatchObject({ version: '1.0.0', told: { version: '1.0.0' } })
})
