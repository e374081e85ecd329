// Which version of a model to load: what the signed channel says, or what worked last when it says nothing usable.

import { type Channel, published, verifyChannel } from '../../models/format/channel.ts'
import { channelPath } from '../../models/format/layout.ts'
import { SpillwayError } from '../core/error.ts'
import { isRange, satisfies } from '../core/version.ts'
import { fetchFrom } from './fetch.ts'
import { type Kept, knownModels, type NextPointer, type Pointer } from './known.ts'
import type { Mirrors } from './mirrors.ts'
import { hasty, type Patience, patient } from './patience.ts'
import type { Records } from './storage/storage.ts'
import { mostSigned, type Trust, trustedKeys } from './trust.ts'

/** Milliseconds for which it is no matter that the channel could not be asked: a day. */
const unheard = 24 * 60 * 60 * 1000

export interface ChannelOptions {
	mirrors: Mirrors
	trust: Trust
	records: Records
}

export interface Resolution {
	/** The version that served last; or, when none has, the one to be loaded. */
	first: Pointer
	/** Another one, which is to serve from this start on if it can: it may yet fail. */
	next: NextPointer | null
	/** The channel is asked while a stored version is loaded. Never rejects. `null` when it had to be asked before. */
	revalidation: Promise<Revalidation> | null
	/** Nothing usable has been heard from the channel for more than a day: time to wait for it. */
	overdue: boolean
}

/** What the channel names, or why it could not be used: `aborted` when it did not answer in time. */
export type Revalidation = { found: Pointer } | { error: SpillwayError }

export interface Channels {
	/**
	 * @param asked a version, or a range of them. Default: the channel's choice.
	 * @param signal also ends the revalidation.
	 * @throws SpillwayError `invalid-input` for what is no range; when no version is stored: `not-found`, `untrusted`, `channel-rollback`,
	 *   `channel-expired`, `malformed`, and those of `fetchFrom`.
	 */
	resolve(model: string, asked: string | undefined, signal: AbortSignal): Promise<Resolution>
	/** Asks the channel now, patiently. @throws what `resolve` throws when no version is stored. */
	latest(model: string, asked: string | undefined, signal: AbortSignal): Promise<Pointer>
	/**
	 * A version that has served here; the channel is not asked.
	 *
	 * @param digest of the one that a page had: better than any other.
	 */
	good(model: string, asked: string | undefined, digest?: string): Promise<Pointer | undefined>
	/** All that a start with the version needs is in storage: from the next start on it serves. */
	arrived(model: string, asked: string | undefined, pointer: Pointer): Promise<void>
	/** Remembers a version as the last good one. @returns the one before, when it was another. */
	commit(model: string, asked: string | undefined, pointer: Pointer): Promise<Pointer | null>
	/** The versions that may still be wanted, of all models that this origin has stored, from whichever address. */
	kept(): Promise<Kept[]>
	/** Remembers a version no longer. */
	forget(model: string, digest: string): Promise<void>
}

export function createChannels({ mirrors, trust, records }: ChannelOptions): Channels {
	const known = knownModels(records, mirrors.first)

	/** Asks the network. */
	async function ask(model: string, asked: string | undefined, signal: AbortSignal, patience: Patience): Promise<Pointer> {
		const channel = await read(model, signal, patience, 'no-cache').catch((error: SpillwayError) => {
			// The keys may be those from before they were changed, and the channel signed after.
			if (error.code !== 'untrusted' || 'keys' in trust || signal.aborted) throw error
			return read(model, signal, patience, 'reload')
		})
		await known.hear(model, channel.serial)
		const found = published(channel, asked)
		if (found) return { digest: found.manifest, version: found.version, serial: channel.serial }
		const others = channel.versions?.map(({ version }) => version) ?? []
		throw new SpillwayError(
			'not-found',
			`${model} ${asked} is not there: the channel names ${channel.version}${others.length > 0 ? `, and beside it ${others.join(', ')}` : ''}`,
		)
	}

	async function read(model: string, signal: AbortSignal, patience: Patience, cache: RequestCache): Promise<Channel> {
		const options = { signal, patience, cache }
		const { serial } = await known.heard(model)
		const keys = trustedKeys(trust, records, options)
		// Told below, where it is waited for.
		keys.catch(() => {})
		return fetchFrom(
			mirrors.place(channelPath(model)),
			{ ...options, most: mostSigned, what: `the channel of ${model}` },
			async ({ bytes, type }, url) =>
				verify(new TextDecoder().decode(bytes), await keys, { model, lastSerial: serial }, `${url} (${type})`),
		)
	}

	/** What the channel has named serves from the next start on, unless it does already. */
	async function expect(model: string, asked: string | undefined, found: Pointer): Promise<void> {
		await known.change(model, asked ?? '', ({ good, next }) => {
			if (found.digest === good?.digest) return { good }
			return { good, next: next?.digest === found.digest ? next : found }
		})
	}

	async function revalidate(model: string, asked: string | undefined, signal: AbortSignal): Promise<Revalidation> {
		try {
			if (isOffline()) throw new SpillwayError('network', 'this device is offline')
			const found = await ask(model, asked, signal, hasty)
			await expect(model, asked, found)
			return { found }
		} catch (error) {
			return { error: SpillwayError.from(error) }
		}
	}

	/** The newest that has served here, whoever asked for it. */
	async function stored(model: string, asked: string | undefined): Promise<Pointer | undefined> {
		const goods = await known.goods(model)
		return goods.filter(({ version }) => asked === undefined || satisfies(version, asked)).sort((a, b) => b.serial - a.serial)[0]
	}

	return {
		async resolve(model, asked, signal) {
			if (asked !== undefined && !isRange(asked))
				throw new SpillwayError('invalid-input', `${model}: ${JSON.stringify(asked)} is neither a version nor a range such as "^1"`)
			const { good, next = null } = await known.standing(model, asked ?? '')
			const overdue = Math.abs(Date.now() - (await known.heard(model)).time) > unheard
			if (good) return { first: good, next, revalidation: revalidate(model, asked, signal), overdue }
			try {
				return { first: await ask(model, asked, signal, patient), next: null, revalidation: null, overdue: false }
			} catch (thrown) {
				const error = SpillwayError.from(thrown)
				// Others may have asked for it in another way.
				const first = signal.aborted ? undefined : await stored(model, asked)
				if (!first) throw error
				return { first, next: null, revalidation: Promise.resolve({ error }), overdue: false }
			}
		},
		async latest(model, asked, signal) {
			const found = await ask(model, asked, signal, patient)
			await expect(model, asked, found)
			return found
		},
		async good(model, asked, digest) {
			const goods = await known.goods(model)
			return (
				goods.find((pointer) => pointer.digest === digest) ??
				(await known.standing(model, asked ?? '')).good ??
				(await stored(model, asked))
			)
		},
		arrived: (model, asked, pointer) =>
			known.change(model, asked ?? '', ({ good, next }) => ({
				good,
				next: next?.digest === pointer.digest ? { ...next, stored: true } : next,
			})),
		async commit(model, asked, { digest, version, serial }) {
			let before: Pointer | undefined
			await known.change(model, asked ?? '', ({ good, next }) => {
				before = good
				return { good: { digest, version, serial }, next: next?.digest === digest ? undefined : next }
			})
			return before && before.digest !== digest ? before : null
		},
		kept: known.kept,
		forget: known.forget,
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
