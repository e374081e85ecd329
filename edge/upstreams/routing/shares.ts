// How the rows of a call are divided among upstreams, so that all of them end at the same time.

export interface Share<T> {
	readonly member: T
	readonly rows: number
}

export interface Speed<T> {
	readonly member: T
	/** Milliseconds until it would begin. */
	readonly queue: number
	/** Rows in a millisecond; null while nothing was measured. */
	readonly speed: number | null
}

/**
 * Divides rows by speed; who would begin when the others end gets none. Of whom nothing is known is taken to be as fast as the others are on average.
 *
 * @param least rows of a part.
 * @returns at most one part for each member, in their order; empty when fewer than two would get any.
 */
export function shares<T>(rows: number, members: readonly Speed<T>[], least: number): readonly Share<T>[] {
	const known = members.flatMap(({ speed }) => (speed === null ? [] : [speed]))
	const average = known.length > 0 ? known.reduce((sum, speed) => sum + speed, 0) / known.length : 1
	let taking = members.map(({ member, queue, speed }) => ({ member, queue, speed: speed ?? average }))
	while (taking.length >= 2) {
		const total = taking.reduce((sum, { speed }) => sum + speed, 0)
		/** Milliseconds until all have ended. */
		const end = (rows + taking.reduce((sum, { queue, speed }) => sum + queue * speed, 0)) / total
		const parts = taking.map((one) => ({ ...one, exact: (end - one.queue) * one.speed }))
		const slowest = parts.reduce((a, b) => (b.exact < a.exact ? b : a))
		if (slowest.exact >= least) return whole(rows, parts)
		// One at a time: what it would have got goes to the others.
		taking = taking.filter(({ member }) => member !== slowest.member)
	}
	return []
}

/** Rounded so that they are all there: each part ends where the sum of those up to it does. */
function whole<T>(rows: number, parts: readonly { member: T; exact: number }[]): Share<T>[] {
	let exact = 0
	let given = 0
	return parts.map(({ member, exact: own }, at) => {
		exact += own
		const upTo = at === parts.length - 1 ? rows : Math.min(rows, Math.round(exact))
		const share = { member, rows: upTo - given }
		given = upTo
		return share
	})
}
