// Several tabs share one download: who holds the Web Lock fetches, the others wait as long as it is alive.

import { aborted } from '../core/deadline.ts'

/** Milliseconds. Whoever holds a lock and does not answer for so long is frozen, or stuck, and not waited for. */
const longestSilence = 15_000

export interface Waiting {
	/** Milliseconds for which a holder may say nothing. Default: 15,000. */
	silence?: number
	/** Milliseconds after which a holder that is alive is not waited for any longer, either. Default: no limit. */
	limit?: number
}

interface Message {
	type: 'alive?' | 'alive'
	name: string
}

/** Names that this thread holds, and whom to tell that a holder has answered. */
const held = new Set<string>()
const waiting = new Map<string, Set<() => void>>()
let channel: BroadcastChannel | undefined

/**
 * Does the work while no other tab of the origin does work of the same name; after a holder that is silent, or holds it,
 * for too long, beside it.
 *
 * @param name of the lock.
 * @throws what `work` throws; SpillwayError `aborted`.
 */
export async function alone<T>(name: string, signal: AbortSignal, work: () => Promise<T>, limits: Waiting = {}): Promise<T> {
	const { locks } = globalThis.navigator ?? {}
	if (!locks || !globalThis.BroadcastChannel) return work()
	if (signal.aborted) throw aborted(signal)
	const patience = new AbortController()
	let begun = false
	const stop = heed(name, limits, () => patience.abort())
	try {
		return await locks.request(name, { signal: AbortSignal.any([signal, patience.signal]) }, async () => {
			begun = true
			held.add(name)
			stop()
			try {
				return await work()
			} finally {
				held.delete(name)
				closeIfIdle()
			}
		})
	} catch (error) {
		if (begun) throw error
		if (signal.aborted) throw aborted(signal)
		// Not waited for any longer; or locks are refused, as in a frame of an opaque origin.
		return work()
	} finally {
		stop()
	}
}

/** Asks the lock's holder whether it is alive, until it is stopped. @param onOver told when the holder is not to be waited for any longer. */
function heed(name: string, { silence = longestSilence, limit = Number.POSITIVE_INFINITY }: Waiting, onOver: () => void): () => void {
	open()
	const begun = performance.now()
	let heard = begun
	const alive = () => {
		heard = performance.now()
	}
	const all = waiting.get(name) ?? new Set()
	waiting.set(name, all.add(alive))
	const timer = setInterval(() => {
		if (held.has(name)) alive()
		const now = performance.now()
		if (now - heard > silence || now - begun > limit) return onOver()
		channel?.postMessage({ type: 'alive?', name } satisfies Message)
	}, Math.min(silence, limit) / 4)
	return () => {
		clearInterval(timer)
		all.delete(alive)
		if (all.size === 0) waiting.delete(name)
		closeIfIdle()
	}
}

function open(): void {
	if (channel) return
	try {
		channel = new BroadcastChannel('spillway downloads')
	} catch {
		// Refused in a frame of an opaque origin, as locks are.
		return
	}
	channel.onmessage = ({ data: { type, name } }: MessageEvent<Message>) => {
		if (type === 'alive') for (const alive of waiting.get(name) ?? []) alive()
		else if (held.has(name)) channel?.postMessage({ type: 'alive', name } satisfies Message)
	}
}

function closeIfIdle(): void {
	if (held.size > 0 || waiting.size > 0) return
	channel?.close()
	channel = undefined
}
