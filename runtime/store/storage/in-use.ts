// Which versions some tab of this origin is using: nobody else deletes them. A Web Lock tells, and ends with its holder.

/** Milliseconds. Who holds a lock for longer is frozen, and not waited for: what is deleted wrongly is downloaded again. */
const longestWait = 2_000

export interface InUse {
	/** Says that this thread uses a version, until it ends or releases it. */
	claim(digest: string): Promise<void>
	release(digest: string): void
	/** Does the work unless somebody uses the version. @returns undefined if so. */
	unlessUsed<T>(digest: string, work: () => Promise<T>): Promise<T | undefined>
	/** Does the work while nobody else does work on what is stored. */
	alone<T>(work: () => Promise<T>): Promise<T>
}

/** @param locks none for storage that nobody shares. */
export function inUseBy(locks: LockManager | undefined): InUse {
	/** What ends a claim. */
	const mine = new Map<string, () => void>()
	const nameOf = (digest: string) => `spillway version ${digest}`
	const soon = () => ({ signal: AbortSignal.timeout(longestWait) })
	return {
		async claim(digest) {
			if (mine.has(digest)) return
			const released = new Promise<void>((release) => mine.set(digest, release))
			if (!locks) return
			await new Promise<void>((claimed) => {
				locks
					.request(nameOf(digest), { mode: 'shared', ...soon() }, () => {
						claimed()
						return released
					})
					// Refused, as in a frame of an opaque origin, or not waited for.
					.catch(() => claimed())
			})
		},
		release(digest) {
			mine.get(digest)?.()
			mine.delete(digest)
		},
		async unlessUsed<T>(digest: string, work: () => Promise<T>) {
			if (mine.has(digest)) return
			if (!locks) return work()
			return locks.request(nameOf(digest), { ifAvailable: true }, async (lock): Promise<T | undefined> => (lock ? work() : undefined))
		},
		async alone(work) {
			if (!locks) return work()
			let begun = false
			try {
				return await locks.request('spillway storage', soon(), () => {
					begun = true
					return work()
				})
			} catch (error) {
				if (begun) throw error
				return work()
			}
		},
	}
}
