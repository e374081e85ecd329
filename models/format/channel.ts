// The channel: which manifest of a model is current, and which others are published, signed. A compact JSON Web Signature (RFC 7515) with Ed25519.

import { CompactSign, compactVerify, decodeProtectedHeader, importJWK } from 'jose'
import { decode, encode } from 'jose/base64url'
import { JWSSignatureVerificationFailed } from 'jose/errors'
import { z } from 'zod'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { compareVersions, satisfies } from '../../runtime/core/version.ts'
import { canonicalBytes } from './canonical.ts'
import { readJson } from './json.ts'
import { kidOf, publicKey, type SigningKey } from './keys.ts'
import { digestSchema, nameSchema, versionSchema } from './manifest.ts'

const type = 'spillway-channel+jws'

/** Most versions that a channel names beside the current one. */
export const mostVersions = 16

const seconds = z.int().min(0)

/** A version that can be had. */
const publishedSchema = z.strictObject({ version: versionSchema, manifest: digestSchema })

export type Published = z.infer<typeof publishedSchema>

export const channelSchema = z.strictObject({
	format: z.literal('spillway-channel/1'),
	model: nameSchema,
	version: versionSchema,
	/** Digest of the current manifest. */
	manifest: digestSchema,
	/** Those still published beside the current one, the latest first: for who asks for another than the current version. */
	versions: z.array(publishedSchema).max(mostVersions).optional(),
	/** Grows with each new manifest; signing the same manifest anew keeps it. */
	serial: z.int().min(0),
	/** Unix time in seconds. */
	issued: seconds,
	/** Unix time in seconds; from then on the channel brings no new version. */
	expires: seconds,
})

export type Channel = z.infer<typeof channelSchema>

/**
 * The version that a channel offers to who asks for a version or a range: the current one if it will do, so that a publisher can go back;
 * else the newest of the others that will.
 *
 * @param asked e.g. `"^1"`. Default: the current version.
 * @returns undefined when none will do.
 * @example published(channel, '~1.2')?.manifest
 */
export function published({ version, manifest, versions = [] }: Channel, asked?: string): Published | undefined {
	if (asked === undefined || satisfies(version, asked)) return { version, manifest }
	return versions.filter((one) => satisfies(one.version, asked)).sort((a, b) => compareVersions(b.version, a.version))[0]
}

/**
 * Signs a channel. The same channel and key give the same bytes.
 *
 * @throws SpillwayError `malformed` when the channel breaks its schema.
 */
export async function signChannel(channel: Channel, key: SigningKey): Promise<string> {
	const payload = canonicalBytes(channel)
	readJson('channel', channelSchema, payload)
	return new CompactSign(payload)
		.setProtectedHeader({ alg: 'EdDSA', kid: await kidOf(key.x), typ: type })
		.sign(await importJWK({ ...key }, 'EdDSA'))
}

export interface ChannelReader {
	/** The model that the channel was asked for: a validly signed channel of another model is refused. */
	model: string
	/** Milliseconds since 1970. Default: the clock. */
	now?: number
	/** Highest serial number that this reader has seen of the model. Default: none. */
	lastSerial?: number | undefined
}

/**
 * Reads a channel. On an error the reader goes on with the last good version it has, and tells the reason.
 *
 * @param jws the compact serialization; white space around it is ignored.
 * @param trust trust keys; a signature by one of them is enough.
 * @throws SpillwayError `malformed` (no such document), `untrusted` (unknown key, wrong signature, another model's channel),
 * `channel-rollback` (serial number below the last one seen), `channel-expired`.
 * @example const { manifest } = await verifyChannel(await response.text(), trust, { model: 'minilm', lastSerial: 7 })
 */
export async function verifyChannel(jws: string, trust: readonly string[], reader: ChannelReader): Promise<Channel> {
	const { model, now = Date.now(), lastSerial } = reader
	const payload = await verifySignature(jws.trim(), trust)
	const channel = readJson('channel', channelSchema, payload)
	if (channel.model !== model) throw new SpillwayError('untrusted', `channel: is that of ${channel.model}, not of ${model}`)
	if (lastSerial !== undefined && channel.serial < lastSerial)
		throw new SpillwayError('channel-rollback', `channel: has serial number ${channel.serial}, but ${lastSerial} was seen before`)
	if (now >= channel.expires * 1000)
		throw new SpillwayError(
			'channel-expired',
			`channel: expired on ${dateOf(channel.expires * 1000)}, and the clock here says ${dateOf(now)}: it must be signed anew, or the clock be set`,
		)
	return channel
}

const dateOf = (milliseconds: number): string => new Date(milliseconds).toISOString()

/**
 * Reads a channel without looking at its signature: for those who hold the folder it lies in, such as an edge that signs it anew.
 *
 * @throws SpillwayError `malformed`
 */
export function readChannel(jws: string): Channel {
	return readJson('channel', channelSchema, decode(headerOf(jws.trim()).payload))
}

async function verifySignature(jws: string, trust: readonly string[]): Promise<Uint8Array> {
	const { kid } = headerOf(jws)
	const kids = await Promise.all(trust.map(kidOf))
	const trusted = trust[kids.indexOf(kid)]
	if (trusted === undefined)
		throw new SpillwayError(
			'untrusted',
			`channel: is signed by key ${JSON.stringify(kid)}; trusted ${trust.length === 1 ? 'is' : 'are'} ${kids.join(', ') || 'none'}`,
		)
	try {
		const key = await importJWK({ ...(await publicKey(trusted)) }, 'EdDSA')
		return (await compactVerify(jws, key, { algorithms: ['EdDSA'] })).payload
	} catch (cause) {
		if (cause instanceof JWSSignatureVerificationFailed)
			throw new SpillwayError('untrusted', `channel: its signature is not that of key ${kid}`, { cause })
		// A browser without Ed25519 in WebCrypto.
		if (cause instanceof DOMException && cause.name === 'NotSupportedError')
			throw new SpillwayError('environment', 'channel: this browser cannot verify Ed25519 signatures; a newer version can', { cause })
		throw new SpillwayError('malformed', `channel: ${messageOf(cause)}`, { cause })
	}
}

/** The parts of a compact serialization, in the one form that is ours. */
function headerOf(jws: string): { kid: string; payload: string } {
	const parts = jws.split('.')
	const [, payload = '', signature = ''] = parts
	try {
		if (parts.length !== 3) throw new Error('it has not three parts')
		const header = decodeProtectedHeader(jws)
		if (header.alg !== 'EdDSA' || header.typ !== type) throw new Error(`its header must say "alg":"EdDSA" and "typ":"${type}"`)
		if (typeof header.kid !== 'string') throw new Error('its header names no key ("kid")')
		// base64url has unused bits at its end: without this a changed last character would go unnoticed.
		if (encode(decode(signature)) !== signature) throw new Error('its signature is no canonical base64url')
		return { kid: header.kid, payload }
	} catch (cause) {
		throw new SpillwayError('malformed', `channel: is no compact JSON Web Signature: ${messageOf(cause)}`, { cause })
	}
}
