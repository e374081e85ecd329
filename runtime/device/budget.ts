// One budget of memory over all models of a page: who may take how much, and who makes room for others.

import { aborted } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { Lane } from '../session/lane.ts'

/** Without knowledge of the device: enough for several small models, and a phone of 4 GB bears it. */
const unknownDevice = 512 * 2 ** 20

/** What part of a device's memory models may take. */
const part = 1 / 8

/** Bytes that all models may take unless the application says otherwise. @param deviceMemory GiB, as `navigator.deviceMemory` tells (Chromium alone). */
export const defaultBudget = (deviceMemory: number | undefined): number => (deviceMemory ? deviceMemory * 2 ** 30 * part : unknownDevice)

/** Who takes memory: a model. */
export interface Owner {
	readonly name: string
	/** When it was last used (`performance.now`); -Infinity when it is leaving already; `null` while it is needed. */
	readonly unusedSince: number | null
	/** Gives back all that it has; never rejects. Joins a leave under way. */
	leave(): Promise<unknown>
}

/** Memory that was granted. */
export interface Share {
	readonly bytes: number
	/** Says what it really is: what is there is counted, also when it is more than was granted. */
	set(bytes: number): void
	/** Gives it back. Idempotent. */
	release(): void
}

/** A relief is not given up. */
const never = new AbortController().signal

export class Budget {
	/** Bytes. */
	readonly limit: number
	readonly #shares = new Map<Share, Owner>()
	/** Claims and reliefs, one at a time: nobody leaves for one while another takes the room. */
	readonly #turns = new Lane()
	/** Bytes of the claims that are not settled. */
	#awaited = 0

	constructor(limit: number) {
		this.limit = limit
	}

	/** Bytes, over all owners. */
	get used(): number {
		return sum(this.#shares.keys())
	}

	/** Bytes of one owner. */
	usedBy(owner: Owner): number {
		return sum(this.#of(owner))
	}

	/** Grants memory that is free, or none: for what is good to have, such as one more worker. */
	reserve(owner: Owner, bytes: number): Share | undefined {
		return this.used + this.#awaited + bytes <= this.limit ? this.#grant(owner, bytes) : undefined
	}

	/** `reserve`, which throws. @throws SpillwayError `out-of-memory`. */
	demand(owner: Owner, bytes: number): Share {
		const share = this.reserve(owner, bytes)
		if (!share) throw this.#refusal(owner, bytes)
		return share
	}

	/**
	 * Grants memory that the owner cannot do without. If need be, others that are not needed now leave, the least recently used first;
	 * nobody leaves when that would not be enough.
	 *
	 * @param signal gives up; who is leaving leaves all the same.
	 * @throws SpillwayError `out-of-memory`, `aborted`.
	 */
	claim(owner: Owner, bytes: number, signal: AbortSignal): Promise<Share> {
		return new Promise((resolve, reject) => {
			if (signal.aborted) return reject(aborted(signal))
			this.#awaited += bytes
			let open = true
			const settled = () => {
				if (open) this.#awaited -= bytes
				open = false
				signal.removeEventListener('abort', giveUp)
			}
			const giveUp = () => {
				settled()
				reject(aborted(signal))
			}
			signal.addEventListener('abort', giveUp, { once: true })
			this.#turns.run(0, signal, async () => {
				const refusal = await this.#makeRoom(owner, bytes, () => open)
				if (!open) return
				settled()
				if (refusal) reject(refusal)
				else resolve(this.#grant(owner, bytes))
			})
		})
	}

	/** @returns why there is no room; else there is, or nobody waits for it any more. */
	async #makeRoom(owner: Owner, bytes: number, wanted: () => boolean): Promise<SpillwayError | undefined> {
		while (wanted() && this.used + bytes > this.limit) {
			const others = this.#leavers().filter((other) => other !== owner)
			const freeable = others.reduce((sum, other) => sum + this.usedBy(other), 0)
			if (this.used - freeable + bytes > this.limit) return this.#refusal(owner, bytes)
			await others[0]?.leave()
		}
		return undefined
	}

	/** Why nothing is granted. */
	#refusal({ name }: Owner, bytes: number): SpillwayError {
		return new SpillwayError(
			'out-of-memory',
			`${name} needs ${megabytes(bytes)} MB of memory, and of the ${megabytes(this.limit)} MB that models may take ${megabytes(this.used)} are in use`,
		)
	}

	#grant(owner: Owner, bytes: number): Share {
		let size = bytes
		const share: Share = {
			get bytes() {
				return size
			},
			set: (bytes) => {
				const more = bytes > size
				size = bytes
				if (more && this.#shares.has(share) && this.used > this.limit) this.#relieve()
			},
			release: () => {
				this.#shares.delete(share)
			},
		}
		this.#shares.set(share, owner)
		return share
	}

	/** More is in use than was granted: those that are not needed now leave. */
	#relieve(): void {
		this.#turns.run(0, never, async () => {
			for (;;) {
				const [first] = this.#leavers()
				if (this.used <= this.limit || !first) return
				await first.leave()
			}
		})
	}

	/** Those that may leave, in the order in which they should. */
	#leavers(): Owner[] {
		const since = (owner: Owner) => owner.unusedSince as number
		return [...new Set(this.#shares.values())].filter(({ unusedSince }) => unusedSince !== null).sort((a, b) => since(a) - since(b))
	}

	#of(owner: Owner): Share[] {
		return Array.from(this.#shares).flatMap(([share, of]) => (of === owner ? [share] : []))
	}
}

const sum = (shares: Iterable<Share>): number => {
	let sum = 0
	for (const { bytes } of shares) sum += bytes
	return sum
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6)
