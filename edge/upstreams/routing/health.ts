// Whether an upstream is up, found out by asking it while no call tells.

import type { Context } from '../../../runtime/core/executor.ts'

/** Milliseconds between two questions: while it is up, and while it is not. */
const intervals = { up: 5_000, down: 1_200 }

/** Questions in a row without an answer that say that it is down: one may have been lost. */
const inRow = 2

export interface Health {
	/** That it does not answer, so that calls better go elsewhere. */
	readonly down: boolean
	/**
	 * Asks it, if it is time: neither has a call been answered lately, nor a question asked. Does not wait, and keeps what it is told as
	 * a settled value: on workerd no request may wait for what another one began (workerd issue 210).
	 *
	 * @param keep keeps the platform alive until the answer is there.
	 */
	check(keep?: Context['keep']): void
	/** A call was answered: whatever its health says, it is up. */
	answered(): void
}

/**
 * @param ask whether it says that it is up; never rejects.
 * @param back is told when it is up again.
 */
export function health(ask: () => Promise<boolean>, back: () => void): Health {
	let failures = 0
	/** When it last answered, or was last asked. */
	let heard = performance.now()

	function up() {
		if (failures >= inRow) back()
		failures = 0
	}

	return {
		get down() {
			return failures >= inRow
		},
		check(keep) {
			const now = performance.now()
			if (now - heard < (failures > 0 ? intervals.down : intervals.up)) return
			heard = now
			const told = ask().then((isUp) => {
				if (isUp) up()
				else failures++
			})
			keep?.(told)
		},
		answered() {
			heard = performance.now()
			up()
		},
	}
}
