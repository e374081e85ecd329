// The session workers of one model: each has its place in the budget from before it is started until it is really gone.

import type { Budget, Owner, Share } from './budget.ts'
import type { Footprint } from './footprint.ts'
import { type Prepared, type PrepareOptions, prepareWorker } from './member.ts'

interface Entry {
	/** Resolves when the worker's thread has ended. */
	readonly gone: Promise<void>
	/** Whether it has died or was told to end: it may not be gone yet. */
	ended: boolean
}

/** Room for a worker. It must be used: `start` gives it back in the end. */
export interface Room extends Pick<Footprint, 'beside'> {
	readonly share: Share
}

export class Workers {
	readonly #owner: Owner
	readonly #budget: Budget
	readonly #entries = new Set<Entry>()

	constructor(owner: Owner, budget: Budget) {
		this.#owner = owner
		this.#budget = budget
	}

	/** Bytes that they take, those that are starting included. */
	get bytes(): number {
		return this.#budget.usedBy(this.#owner)
	}

	/**
	 * Asks for room for one more. The only worker of a model may make others leave; one beside it may not.
	 *
	 * @param needed it may, too: it is the first of another version.
	 * @throws SpillwayError `out-of-memory`, `aborted`.
	 */
	async book({ start, beside }: Footprint, signal: AbortSignal, needed = false): Promise<Room> {
		// The room of one that has just died is free in a moment.
		await this.#gone(({ ended }) => ended)
		const alone = this.#entries.size === 0
		const share = alone || needed ? await this.#budget.claim(this.#owner, start, signal) : this.#budget.demand(this.#owner, start)
		return { share, beside }
	}

	/**
	 * Starts a worker in the room that was booked for it. The room is given back when the worker is gone, however it ends.
	 *
	 * @throws what `prepareWorker` throws.
	 */
	async start({ share, beside }: Room, options: Omit<PrepareOptions, 'most' | 'onMemory' | 'onGone'>): Promise<Prepared> {
		let settle = () => {}
		const entry: Entry = { gone: new Promise((resolve) => (settle = resolve)), ended: false }
		this.#entries.add(entry)
		const prepared = await prepareWorker({
			...options,
			most: this.#budget.limit,
			onMemory: (bytes) => share.set(bytes + beside),
			onGone: () => {
				share.release()
				this.#entries.delete(entry)
				settle()
			},
		}).catch((error) => {
			entry.ended = true
			throw error
		})
		const end = () => {
			entry.ended = true
		}
		if (prepared.over.aborted) end()
		else prepared.over.addEventListener('abort', end, { once: true })
		return prepared
	}

	/** Resolves when all are gone. It ends none: that is for those who use them. */
	gone(): Promise<void> {
		return this.#gone(() => true)
	}

	async #gone(which: (entry: Entry) => boolean): Promise<void> {
		await Promise.all(Array.from(this.#entries).flatMap((entry) => (which(entry) ? [entry.gone] : [])))
	}
}
