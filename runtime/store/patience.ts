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
	/** Milliseconds of failed tries in a row, online, after which there is no other one, either: parts that take turns may wait for long. */
	fruitless: number
}

/** For what a load begins with: whoever waits should soon learn that there is no network. */
export const patient: Patience = { retries: 3, stall: 15_000, offline: 0, fruitless: 120_000 }

/** For a download under way: a train leaves its tunnel. */
export const persistent: Patience = { retries: 6, stall: 15_000, offline: 120_000, fruitless: 120_000 }

/** When a stored version stands ready: the network gets one short chance. */
export const hasty: Patience = { retries: 0, stall: 5_000, offline: 0, fruitless: 120_000 }

/** Milliseconds before the second try; doubled for each further failure in a row, of whichever part, half of it left to chance. */
const firstPause = 300

/** A pause does not grow beyond it, and a longer `Retry-After` is not waited for. */
const longestPause = 30_000

/** Milliseconds after which a part that waits looks whether it still must. */
const lookAgain = 1_000

/** While a device says that it is offline, it is tried all the same now and then, in milliseconds: some say so and are not. */
const probe = 5_000

/** What breaks off while bytes are coming costs so much of a failure: a bad connection is one. */
const lateCost = 0.2

/** A try that failed. */
export interface Failure {
	error: SpillwayError
	/** Bytes were coming when it broke off. */
	late: boolean
	/** `count` before the try. */
	before: number
}

/**
 * The failures of a download, over all its parts: whatever arrives and is right makes up for them. From a failure to the next success parts come
 * one at a time: of several, none might come to its end before the next cut.
 */
export class Failures {
	readonly patience: Patience
	#left: number
	#count = 0
	/** Failures in a row of which nothing came. */
	#row = 0
	/** Until when no part is tried: they wait together, or each would use up a try while the others do. */
	#resume = 0
	/** When the device was first found to be offline. */
	#offline: number | undefined
	#trouble = false
	/** Milliseconds that failed tries have taken since something arrived, and until when they are counted. */
	#fruitless = 0
	#counted = 0
	#underWay = 0
	/** Who waits for a turn. */
	readonly #waiting = new Set<() => void>()

	constructor(patience: Patience) {
		this.patience = patience
		this.#left = patience.retries
	}

	/** Failures so far. */
	get count(): number {
		return this.#count
	}

	/** Does a try of a part in its turn. @throws SpillwayError `aborted`, and what `work` throws. */
	async inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
		while (this.#trouble && this.#underWay > 0) {
			if (signal.aborted) throw aborted(signal)
			let turn = () => {}
			const waited = new Promise<void>((resolve) => {
				turn = resolve
			})
			this.#waiting.add(turn)
			signal.addEventListener('abort', turn)
			await waited
			signal.removeEventListener('abort', turn)
		}
		this.#underWay++
		const begun = performance.now()
		try {
			return await work()
		} catch (error) {
			this.#lose(begun)
			throw error
		} finally {
			this.#underWay--
			this.#next()
		}
	}

	/** Something has arrived and is right. */
	makeUp(): void {
		this.#left = this.patience.retries
		this.#row = 0
		this.#resume = 0
		this.#offline = undefined
		this.#trouble = false
		this.#fruitless = 0
		this.#next()
	}

	/**
	 * Waits before the next try of a part, as long as the others do.
	 *
	 * @throws SpillwayError that of the failure, when there is to be no other try; `aborted`.
	 */
	async bear({ error, late, before }: Failure, signal: AbortSignal): Promise<void> {
		if (isOffline() && this.patience.offline > 0) return this.#bearOffline(error, signal)
		// What breaks several off at once is one failure.
		const isOwn = before === this.#count
		if (isOwn) {
			this.#count++
			this.#trouble = true
			this.#left -= late ? lateCost : 1
			if (!late) this.#row++
			if (this.#left < 0) throw error
		}
		if (this.#fruitless >= this.patience.fruitless) throw error
		const told = error.retryAfter ?? 0
		if (told > longestPause) throw error
		const now = performance.now()
		const pause = told || (isOwn ? pauseAfter(late ? 1 : this.#row) : 0)
		this.#resume = Math.max(this.#resume, now + pause)
		// Something may arrive meanwhile, which ends the wait of all but those who were told a time.
		const rest = () => Math.max(now + told, this.#resume) - performance.now()
		for (let left = rest(); left > 0; left = rest()) await wait(Math.ceil(Math.min(left, lookAgain)), signal)
	}

	async #bearOffline(error: SpillwayError, signal: AbortSignal): Promise<void> {
		const { offline } = this.patience
		this.#offline ??= performance.now()
		if (performance.now() - this.#offline >= offline)
			throw new SpillwayError(
				'network',
				`this device has been offline for ${offline / 1000} s; a later load goes on from here: ${error.message}`,
				{ cause: error },
			)
		const back = new AbortController()
		const come = () => back.abort()
		globalThis.addEventListener('online', come)
		await wait(Math.min(probe, offline), AbortSignal.any([signal, back.signal])).catch((error) => {
			if (signal.aborted) throw error
		})
		globalThis.removeEventListener('online', come)
	}

	/** A try has failed: of those at the same time one counts, and of a long one its end, before which bytes were coming. */
	#lose(begun: number): void {
		if (isOffline()) return
		const now = performance.now()
		this.#fruitless += now - Math.max(begun, this.#counted, now - this.patience.stall)
		this.#counted = now
	}

	#next(): void {
		for (const turn of this.#waiting) turn()
		this.#waiting.clear()
	}
}

/** Milliseconds, after so many failures in a row. */
const pauseAfter = (row: number): number => Math.min(longestPause, firstPause * 2 ** (row - 1)) * (0.5 + Math.random() / 2)

const isOffline = (): boolean => globalThis.navigator?.onLine === false

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
