// Which version of a model to load: what the signed channel says, or what worked last when it says nothing usable.

import { type Channel, verifyChannel } from '../../models/format/channel.ts'
import { isTrustKey } from '../../models/format/keys.ts'
import { channelPath } from '../../models/format/layout.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { fetchBytes, hasty, type Patience, patient } from './fetch.ts'
import type { Records } from './storage/storage.ts'

/** Public keys that channels must be signed by. */
export type Trust =
	/** Raw Ed25519 public keys in base64url. */
	| { keys: readonly string[] }
	/** Address of a JSON Web Key set; what it says is remembered for starts without a network. */
	| { jwks: string }

/** Points to a manifest. */
export interface Pointer {
	digest: string
	version: string
	serial: number
}

/** What is remembered of a model. */
interface ModelRecord {
	/** The version that served last: complete, and its golden samples passed. */
	good?: Pointer
	/** A newer one that the channel names; it is loaded at the next start. */
	next?: Pointer
	/** Highest serial number seen. */
	serial?: number
	/** When the channel last said something usable, in milliseconds since 1970. */
	heard?: number
}

/** Milliseconds for which it is no matter that the channel could not be asked: a day. */
const unheard = 24 * 60 * 60 * 1000

export interface ChannelOptions {
	/** Models address, with a slash at its end. */
	base: URL
	trust: Trust
	records: Records
}

export interface Resolution {
	/** Versions to be tried, in this order; more than one when a newer one may yet fail. */
	candidates: Pointer[]
	/** The channel is asked while a stored version is loaded. Never rejects. `null` when it had to be asked before. */
	revalidation: Promise<Revalidation> | null
	/** Nothing usable has been heard from the channel for more than a day: time to wait for it. */
	overdue: boolean
}

/** What the channel names, or why it could not be used: `aborted` when it did not answer in time. */
export type Revalidation = { found: Pointer } | { error: SpillwayError }

export interface Channels {
	/**
	 * @param version only this one will do. Default: the channel's.
	 * @param signal also ends the revalidation.
	 * @throws SpillwayError when no version is stored: `not-found`, `untrusted`, `channel-rollback`, `channel-expired`, `malformed`, and those of `fetchBytes`.
	 */
	resolve(model: string, version: string | undefined, signal: AbortSignal): Promise<Resolution>
	/** The last good version, if it is the one that is asked for; the channel is not. */
	good(model: string, version: string | undefined): Promise<Pointer | undefined>
	/** Remembers a version as the last good one. @returns the one before, when it was another. */
	commit(model: string, pointer: Pointer): Promise<Pointer | null>
	/** The versions that may still be wanted, of all models that this origin has stored, from whichever address. */
	kept(): Promise<Pointer[]>
}

/** Record with the keys of all models' records. */
const index = 'models'

export function createChannels({ base, trust, records }: ChannelOptions): Channels {
	const keyOf = (model: string) => `model ${base} ${model}`
	const read = async (model: string): Promise<ModelRecord> => (await records.get<ModelRecord>(keyOf(model))) ?? {}
	const update = (model: string, change: (record: ModelRecord) => ModelRecord) =>
		records.update<ModelRecord>(keyOf(model), (record = {}) => change(record))

	/** Asks the network. */
	async function ask(model: string, signal: AbortSignal, patience: Patience): Promise<Pointer> {
		const { serial } = await read(model)
		const url = new URL(channelPath(model), base)
		const [keys, { bytes, type }] = await Promise.all([
			trustedKeys(signal, patience),
			fetchBytes(url, { what: `the channel of ${model}`, signal, patience, cache: 'no-cache' }),
		])
		const channel = await verify(new TextDecoder().decode(bytes), keys, { model, lastSerial: serial }, `${url} (${type})`)
		const found = { digest: channel.manifest, version: channel.version, serial: channel.serial }
		await update(model, (record) => ({ ...record, serial: Math.max(channel.serial, record.serial ?? 0), heard: Date.now() }))
		return found
	}

	async function trustedKeys(signal: AbortSignal, patience: Patience): Promise<readonly string[]> {
		if ('keys' in trust) return trust.keys
		const key = `keys ${trust.jwks}`
		try {
			const keys = await fetchKeys(trust.jwks, signal, patience)
			await records.set(key, keys)
			return keys
		} catch (error) {
			const remembered = await records.get<string[]>(key)
			if (remembered && !signal.aborted) return remembered
			throw error
		}
	}

	async function revalidate(model: string, signal: AbortSignal): Promise<Revalidation> {
		try {
			if (isOffline()) throw new SpillwayError('network', 'this device is offline')
			const found = await ask(model, signal, hasty)
			await update(model, ({ next: _, ...record }) => (found.digest === record.good?.digest ? record : { ...record, next: found }))
			return { found }
		} catch (error) {
			return { error: SpillwayError.from(error) }
		}
	}

	return {
		async resolve(model, version, signal) {
			const { good, next, heard = 0 } = await read(model)
			if (good && (version === undefined || version === good.version)) {
				const newer = next && (version === undefined || version === next.version) && !isOffline() ? [next] : []
				const overdue = Math.abs(Date.now() - heard) > unheard
				return { candidates: [...newer, good], revalidation: revalidate(model, signal), overdue }
			}
			const found = await ask(model, signal, patient)
			if (version !== undefined && found.version !== version)
				throw new SpillwayError('not-found', `${model} ${version} is not there: the channel names ${found.version}`)
			return { candidates: [found], revalidation: null, overdue: false }
		},
		async good(model, version) {
			const { good } = await read(model)
			return version === undefined || version === good?.version ? good : undefined
		},
		async commit(model, pointer) {
			const { good } = await read(model)
			await update(model, ({ next, ...record }) => ({
				...record,
				good: pointer,
				...(next && next.digest !== pointer.digest && { next }),
			}))
			await records.update<string[]>(index, (keys = []) => (keys.includes(keyOf(model)) ? keys : [...keys, keyOf(model)]))
			return good && good.digest !== pointer.digest ? good : null
		},
		async kept() {
			const keys = (await records.get<string[]>(index)) ?? []
			const found = await Promise.all(keys.map((key) => records.get<ModelRecord>(key)))
			return found.flatMap((record) => [record?.good, record?.next]).filter((pointer) => pointer !== undefined)
		},
	}
}

/** `false` says nothing: a network that leads nowhere is one, too. */
const isOffline = (): boolean => globalThis.navigator?.onLine === false

async function verify(
	jws: string,
	keys: readonly string[],
	reader: { model: string; lastSerial: number | undefined },
	from: string,
): Promise<Channel> {
	try {
		return await verifyChannel(jws, keys, reader)
	} catch (error) {
		const { code, message } = SpillwayError.from(error)
		throw new SpillwayError(code, `${message}; from ${from}`, { cause: error })
	}
}

/** Ed25519 keys of a JSON Web Key Set; others are passed over. */
async function fetchKeys(url: string, signal: AbortSignal, patience: Patience): Promise<string[]> {
	const { bytes, type } = await fetchBytes(new URL(url), { what: 'the trust keys', signal, patience, cache: 'no-cache' })
	let set: { keys?: unknown }
	try {
		set = JSON.parse(new TextDecoder().decode(bytes))
	} catch (cause) {
		throw new SpillwayError('malformed', `${url} is no JSON Web Key Set (${type}): ${messageOf(cause)}`, { cause })
	}
	const keys = (Array.isArray(set?.keys) ? set.keys : []).map((key) => key?.crv === 'Ed25519' && key.x).filter(isTrustKey)
	if (keys.length === 0) throw new SpillwayError('malformed', `${url} holds no Ed25519 key`)
	return keys
}
