// The channel: who may sign it, and when a reader takes it.

import fc from 'fast-check'
import { base64url, CompactSign, importJWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Channel, published, readChannel, signChannel, verifyChannel } from '../../models/format/channel.ts'
import { generateSigningKey, isTrustKey, kidOf, publicKey, type SigningKey, signingKey, trustKeysOf } from '../../models/format/keys.ts'

const day = 86_400_000
const now = Date.UTC(2030, 0, 1)
const channel: Channel = {
	format: 'spillway-channel/1',
	model: 'minilm',
	version: '1.0.0',
	manifest: 'a'.repeat(64),
	serial: 7,
	issued: now / 1000,
	expires: (now + 30 * day) / 1000,
}

let key: SigningKey
let other: SigningKey
let jws: string
beforeAll(async () => {
	key = await generateSigningKey()
	other = await generateSigningKey()
	jws = await signChannel(channel, key)
})

/** Signs anything, as a publisher with a fault of its own would. */
const sign = async (payload: unknown, header: Record<string, string> = {}): Promise<string> =>
	new CompactSign(new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload)))
		.setProtectedHeader({ alg: 'EdDSA', typ: 'spillway-channel+jws', kid: await kidOf(key.x), ...header })
		.sign(await importJWK({ ...key }, 'EdDSA'))

describe('verifyChannel', () => {
	it('reads a channel signed by a trusted key', async () => {
		expect(await verifyChannel(jws, [key.x], { model: 'minilm', now })).toEqual(channel)
		expect(await verifyChannel(`${jws}\n`, [other.x, key.x], { model: 'minilm', now })).toEqual(channel)
	})

	it('signs the same channel to the same bytes', async () => {
		const { format, ...rest } = channel
		expect(await signChannel({ ...rest, format }, key)).toBe(jws)
	})

	it.each([
		[
			'an unknown key',
			async () => verifyChannel(jws, [other.x], { model: 'minilm', now }),
			/^channel: is signed by key "[0-9a-f]{16}"; trusted is [0-9a-f]{16}$/,
		],
		['no key at all', async () => verifyChannel(jws, [], { model: 'minilm', now }), /; trusted are none$/],
		[
			'the signature of another channel',
			async () =>
				verifyChannel(
					[...jws.split('.').slice(0, 2), (await signChannel({ ...channel, serial: 8 }, key)).split('.')[2]].join('.'),
					[key.x],
					{ model: 'minilm', now },
				),
			/^channel: its signature is not that of key/,
		],
		[
			'a trusted kid on another key',
			async () =>
				verifyChannel(
					await new CompactSign(new TextEncoder().encode(JSON.stringify(channel)))
						.setProtectedHeader({ alg: 'EdDSA', typ: 'spillway-channel+jws', kid: await kidOf(key.x) })
						.sign(await importJWK({ ...other }, 'EdDSA')),
					[key.x],
					{ model: 'minilm', now },
				),
			/^channel: its signature is not that of key/,
		],
		[
			'the channel of another model',
			async () => verifyChannel(jws, [key.x], { model: 'ring', now }),
			/^channel: is that of minilm, not of ring$/,
		],
	])('refuses %s as untrusted', async (_name, read, message) => {
		await expect(read()).rejects.toMatchObject({ code: 'untrusted', message: expect.stringMatching(message) })
	})

	it('refuses a serial number below the last one, and takes the same and higher ones', async () => {
		const read = (lastSerial: number) => verifyChannel(jws, [key.x], { model: 'minilm', now, lastSerial })
		await expect(read(8)).rejects.toMatchObject({
			code: 'channel-rollback',
			message: 'channel: has serial number 7, but 8 was seen before',
		})
		expect((await read(7)).serial).toBe(7)
		expect((await read(6)).serial).toBe(7)
	})

	it('is good until the second it expires', async () => {
		const end = channel.expires * 1000
		expect(await verifyChannel(jws, [key.x], { model: 'minilm', now: end - 1 })).toEqual(channel)
		await expect(verifyChannel(jws, [key.x], { model: 'minilm', now: end })).rejects.toMatchObject({
			code: 'channel-expired',
			message:
				'channel: expired on 2030-01-31T00:00:00.000Z, and the clock here says 2030-01-31T00:00:00.000Z: it must be signed anew, or the clock be set',
		})
	})

	it('may have been signed in what is the future here', async () => {
		expect(await verifyChannel(jws, [key.x], { model: 'minilm', now: now - 365 * day })).toEqual(channel)
	})

	it('takes the clock where it is given no time', async () => {
		const old = await signChannel({ ...channel, expires: 1 }, key)
		await expect(verifyChannel(old, [key.x], { model: 'minilm' })).rejects.toMatchObject({ code: 'channel-expired' })
	})

	it.each([
		['nothing', async () => ''],
		['a page of HTML', async () => '<!doctype html><title>404</title>'],
		['two parts', async () => jws.split('.').slice(0, 2).join('.')],
		['four parts', async () => `${jws}.x`],
		[
			'another algorithm',
			async () =>
				`${base64url.encode(JSON.stringify({ alg: 'none', typ: 'spillway-channel+jws', kid: await kidOf(key.x) }))}.${jws.split('.')[1]}.`,
		],
		['a token of another type by the same key', async () => sign(channel, { typ: 'JWT' })],
		['a payload that is no JSON', async () => sign('minilm')],
		['a payload with a member too many', async () => sign({ ...channel, also: 1 })],
		['a payload with a member too few', async () => sign({ ...channel, serial: undefined })],
		[
			'a payload with a version that is none',
			async () => sign({ ...channel, versions: [{ version: 'latest', manifest: channel.manifest }] }),
		],
		[
			'a payload with too many versions',
			async () => sign({ ...channel, versions: Array.from({ length: 17 }, () => ({ version: '1.0.0', manifest: channel.manifest })) }),
		],
		['a payload of another format', async () => sign({ ...channel, format: 'spillway-channel/2' })],
	])('refuses %s as malformed', async (_name, make) => {
		await expect(verifyChannel(await make(), [key.x], { model: 'minilm', now })).rejects.toMatchObject({
			code: 'malformed',
			message: expect.stringMatching(/^channel: /),
		})
	})

	it('notices any changed character', async () => {
		await fc.assert(
			fc.asyncProperty(fc.nat(jws.length - 1), fc.integer({ min: 33, max: 126 }), async (at, code) => {
				const character = String.fromCharCode(code)
				fc.pre(jws[at] !== character)
				const reading = verifyChannel(jws.slice(0, at) + character + jws.slice(at + 1), [key.x], { model: 'minilm', now })
				await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/^(untrusted|malformed)$/) })
			}),
			{
				numRuns: 200,
				examples: [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef'].map((letter) => [jws.length - 1, letter.charCodeAt(0)] as [number, number]),
			},
		)
	})

	it('settles with a typed error, whatever text it is given', async () => {
		await fc.assert(
			fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
				await expect(verifyChannel(text, [key.x], { model: 'minilm', now })).rejects.toMatchObject({ code: 'malformed' })
			}),
		)
	})
})

describe('signChannel', () => {
	it('does not sign what no reader would take', async () => {
		await expect(signChannel({ ...channel, manifest: 'latest' }, key)).rejects.toMatchObject({
			code: 'malformed',
			message: 'channel: manifest: must be a SHA-256 in lower-case hexadecimal',
		})
	})
})

describe('published', () => {
	const digest = (letter: string) => letter.repeat(64)
	const one = (version: string, letter: string) => ({ version, manifest: digest(letter) })
	const many: Channel = { ...channel, version: '2.0.0', versions: [one('1.2.0', 'b'), one('1.10.0', 'c'), one('0.9.0', 'd')] }

	it.each([
		[undefined, '2.0.0'],
		['2.0.0', '2.0.0'],
		['^1', '1.10.0'],
		['~1.2', '1.2.0'],
		['1.2.0', '1.2.0'],
		['>=1', '2.0.0'],
		['3.0.0', undefined],
		['^3', undefined],
	])('offers to who asks for %s: %s', (asked, version) => {
		expect(published(many, asked)?.version).toBe(version)
	})

	it('offers the current version where it will do, though another is newer: a publisher may go back', () => {
		expect(published({ ...many, version: '1.1.0' }, '^1')).toEqual({ version: '1.1.0', manifest: channel.manifest })
		expect(published({ ...channel, versions: undefined }, '^2')).toBeUndefined()
	})
})

describe('readChannel', () => {
	it('reads without looking at the signature', async () => {
		expect(readChannel(`${jws}\n`)).toEqual(channel)
		expect(() => readChannel('x')).toThrow('channel: is no compact JSON Web Signature: it has not three parts')
	})
})

describe('keys', () => {
	it('are trusted as 43 characters in one spelling', () => {
		expect(isTrustKey(key.x)).toBe(true)
		// The last character has two bits that stand for nothing.
		const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter((last) =>
			isTrustKey(key.x.slice(0, 42) + last),
		)
		expect(spellings).toHaveLength(16)
		for (const text of ['', key.x.slice(1), `${key.x}A`, `${key.x.slice(1)}=`, null, 43]) expect(isTrustKey(text)).toBe(false)
	})

	it('are published as JSON Web Keys and read from there', async () => {
		const jwk = await publicKey(key.x)
		expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: key.x, kid: await kidOf(key.x), alg: 'EdDSA', use: 'sig' })
		expect(jwk.kid).toMatch(/^[0-9a-f]{16}$/)
		expect(trustKeysOf({ keys: [{ kty: 'RSA', n: '…' }, jwk, null] })).toEqual([key.x])
		expect(() => trustKeysOf({})).toThrow('is no JSON Web Key Set')
	})

	it('have the kid that the format says: the head of the SHA-256 of the raw key', async () => {
		// RFC 8037, appendix A.2.
		expect(await kidOf('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo')).toBe('21fe31dfa154a261')
	})

	it('are checked when they come from outside', async () => {
		expect(await signingKey({ ...key, use: 'sig' })).toEqual(key)
		await expect(signingKey({ ...key, kty: 'EC' })).rejects.toMatchObject({ code: 'malformed' })
		await expect(signingKey({ ...key, d: undefined })).rejects.toThrow('"d", the private key')
		await expect(signingKey({ ...key, x: other.x })).rejects.toMatchObject({ code: 'malformed' })
		await expect(signingKey(null)).rejects.toMatchObject({ code: 'malformed' })
	})
})
