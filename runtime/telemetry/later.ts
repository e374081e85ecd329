// Observations are looked at in tasks of their own: neither does an answer wait for that, nor does a burst of them make a long task.

import type { Observation, Observe } from './observation.ts'

/** Looked at in one task: some milliseconds. */
const atOnce = 100

/** Most that wait: a hidden page's timers come once a second, or once a minute, its calls may be many. */
const mostWaiting = 1000

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
		for (const [observation, at] of now) {
			try {
				observe(observation, at)
			} catch (error) {
				// Of the application's tracer.
				console.error('spillway telemetry:', error)
			}
		}
	}

	return {
		observe(observation, at) {
			waiting.push([observation, at])
			if (waiting.length > mostWaiting) look(atOnce)
			else timer ??= setTimeout(look, 0, atOnce)
		},
		flush: () => look(Number.POSITIVE_INFINITY),
	}
}
