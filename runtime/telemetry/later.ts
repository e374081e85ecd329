// Observations are looked at in tasks of their own: neither does an answer wait for that, nor does a burst of them make a long task.

import type { Observation, Observe } from './observation.ts'

/** Looked at in one task: some milliseconds. */
const atOnce = 100

export interface Later {
	readonly observe: Observe
	/** Looks at all that wait. */
	flush(): void
}

/** Puts off `observe`. */
export function later(observe: Observe): Later {
	let waiting: [Observation, number][] = []
	let timer: ReturnType<typeof setTimeout> | undefined

	function look(most: number) {
		clearTimeout(timer)
		const now = waiting.slice(0, most)
		waiting = waiting.slice(most)
		timer = waiting.length > 0 ? setTimeout(look, 0, atOnce) : undefined
		for (const [observation, at] of now) observe(observation, at)
	}

	return {
		observe(observation, at) {
			waiting.push([observation, at])
			timer ??= setTimeout(look, 0, atOnce)
		},
		flush: () => look(Number.POSITIVE_INFINITY),
	}
}
