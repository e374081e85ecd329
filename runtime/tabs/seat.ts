// Who leads the tabs of an origin: whoever holds one Web Lock. The lock alone decides; what a tab says of itself does not count.

export interface Seat {
	/** The client id, as Web Locks know it, of who leads; undefined when nobody does. */
	holder(): Promise<string | undefined>
	/** Waits in line until the seat is given to this tab. Repeatable. */
	stand(): void
	/**
	 * Takes the seat from a leader that is silent, unless somebody else has come to it meanwhile, or is just taking it.
	 *
	 * @param from client id of the leader.
	 */
	seize(from: string | undefined): Promise<void>
	/** Gives the seat up, and the place in the line. */
	leave(): void
}

export interface SeatOptions {
	/** Of the lock: tabs with other settings have another. */
	name: string
	/** This tab leads. */
	onTaken(): void
	/** The seat was taken from this tab. */
	onLost(): void
	/** The browser refuses locks. */
	onRefused(cause: unknown): void
	locks: LockManager
}

/** The client id of who holds a lock. */
export const holderOf = async (name: string, locks: LockManager): Promise<string | undefined> =>
	(await locks.query()).held?.find((lock) => lock.name === name)?.clientId

export function seatOf({ name, onTaken, onLost, onRefused, locks }: SeatOptions): Seat {
	let standing: AbortController | undefined
	/** Ends this tab's lead. */
	let release: (() => void) | undefined

	/** Resolves when the seat is taken, or cannot be. */
	const request = (options: LockOptions) =>
		new Promise<void>((done) => {
			let taken = false
			const take = () => {
				taken = true
				standing = undefined
				done()
				return new Promise<void>((resolve) => {
					release = resolve
					onTaken()
				})
			}
			locks.request(name, options, take).catch((cause) => {
				done()
				if (taken) {
					release = undefined
					onLost()
				} else if (!options.signal?.aborted) onRefused(cause)
			})
		})

	const holder = () =>
		holderOf(name, locks).catch((cause) => {
			onRefused(cause)
			return undefined
		})

	function stopStanding() {
		standing?.abort()
		standing = undefined
	}

	return {
		holder,
		stand() {
			if (standing || release) return
			standing = new AbortController()
			request({ signal: standing.signal })
		},
		// Several tabs may notice the silence at once: the first takes the seat, the others then find another one in it.
		seize: (from) =>
			locks.request(`${name} seize`, { ifAvailable: true }, async (lock) => {
				if (!lock || release || (await holder()) !== from) return
				stopStanding()
				await request({ steal: true })
			}),
		leave() {
			stopStanding()
			release?.()
			release = undefined
		},
	}
}
