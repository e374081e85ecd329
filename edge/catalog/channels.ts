// Channels as this edge hands them out: signed anew with its own key, or as they were packed.

import { signChannel } from '../../models/format/channel.ts'
import type { SigningKey } from '../../models/format/keys.ts'
import type { Catalog, PackedChannel } from './catalog.ts'

export interface ChannelOptions {
	catalog: Catalog
	/** The edge's signing key; without it, channels are handed out as they were packed. */
	key: SigningKey | undefined
	/** Milliseconds that a signed channel is good for. */
	expiresIn: number
	/** Milliseconds since 1970. Default: `Date.now`. */
	now?: () => number
}

/** Gives the compact serialization of a model's channel, or `null` when there is no such model. */
export type Channels = (model: string) => Promise<string | null>

/**
 * Signs channels when they are asked for, and keeps each for half its life at most.
 *
 * The date of issue is rounded down to a multiple of half the life, so that all isolates and processes with one key hand out the same
 * bytes at the same time (Ed25519 signatures have no chance in them), and a channel is good for at least half of `expiresIn`.
 */
export function createChannels({ catalog, key, expiresIn, now = Date.now }: ChannelOptions): Channels {
	const life = Math.max(2, Math.floor(expiresIn / 1000))
	const kept = new Map<string, { packed: PackedChannel; issued: number; jws: string }>()

	return async (model) => {
		const packed = await catalog.channel(model)
		if (!packed || !key) return packed?.jws ?? null
		const step = Math.floor(life / 2)
		const issued = Math.floor(now() / 1000 / step) * step
		const before = kept.get(model)
		if (before?.packed === packed && before.issued === issued) return before.jws
		const jws = await signChannel({ ...packed.channel, issued, expires: issued + life }, key)
		kept.set(model, { packed, issued, jws })
		return jws
	}
}
