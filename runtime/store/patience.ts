// How long the network is tried: pauses that grow, a number of failures in a row, and a device that is offline waited for.

import { aborted } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'

export interface Patience {
	/** Failures in a row, for reasons that may pass, after which there is another try. */
	retries: number
	/** Milliseconds in which something must come, or a try is given up. */
	stall: number
	/** Milliseconds for which a device that is offline is waited for. */
	offline: number
}

/** For what a load begins with: whoever waits should soon learn that there is no network. */
export const patient: Patience = { retries: 3, stall: 15_000, offline: 0 }

/** For a download under way: a train leaves its tunnel. */
export const persistent: Patience = { retries: 6, stall: 15_000, offline: 120_000 }

/** When a stored version stands ready: the network gets one short chance. */
export const hasty: Patience = { retries: 0, stall: 5_000, offline: 0 }

/** Milliseconds before the second try; doubled for each further one, half of it left to chance. */
const firstPause = 300

/** A pause does not grow beyond it, and a longer `Retry-After` is not waited for. */
const longestPause = 30_000

/** The failures of a download, over all its parts: whatever arrives and is right makes up for them. */
export class Failures {
	readonly patience: Patience
	#left: number
	#count = 0

	constructor(patience: Patience) {
		this.patience = patience
		this.#left = patience.retries
	}

	/** Failures so far. To be asked for before a try. */
	get count(): number {
		return this.#count
	}

	/** Something has arrived and is right. */
	makeUp(): void {
		this.#left = this.patience.retries
	}

	/**
	 * Waits before the next try of a part.
	 *
	 * @param before `count` before the try: what breaks several parts off at once is one failure.
	 * @param tries of this part, this one included.
	 * @throws SpillwayError `error`, when there is to be no other; `aborted`.
	 */
	async bear(error: SpillwayError, before: number, tries: number, signal: AbortSignal): Promise<void> {
		if (globalThis.navigator?.onLine === false && this.patience.offline > 0) return online(this.patience.offline, error, signal)
		if (before === this.#count) {
			this.#count++
			if (this.#left-- <= 0) throw error
		}
		const chance = 0.5 + Math.random() / 2
		const pause = error.retryAfter ?? Math.min(longestPause, firstPause * 2 ** (tries - 1)) * chance
		if (pause > longestPause) throw error
		await wait(pause, signal)
	}
}

/** Resolves as soon as the browser says that there is a network. */
async function online(limit: number, error: SpillwayError, signal: AbortSignal): Promise<void> {
	const back = new AbortController()
	const come = () => back.abort()
	globalThis.addEventListener('online', come)
	try {
		await wait(limit, AbortSignal.any([signal, back.signal]))
	} catch {
		if (signal.aborted) throw aborted(signal)
		return
	} finally {
		globalThis.removeEventListener('online', come)
	}
	throw new SpillwayError(
		'network',
		`this device has been offline for ${limit / 1000} s; a later load goes on from here: ${error.message}`,
		{
			cause: error,
		},
	)
}

function wait(time: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) return reject(aborted(signal))
		const stop = () => {
			clearTimeout(timer)
			reject(aborted(signal))
		}
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', stop)
			resolve()
		}, time)
		signal.addEventListener('abort', stop, { once: true })
	})
}
