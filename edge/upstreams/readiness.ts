// What upstreams said of their health, remembered for a moment.

import { patience } from './probe.ts'

/** Milliseconds for which an answer is good. */
const freshness = 1_000

/** Milliseconds after which who asked has been cut off. */
const cutOff = patience + 500

/** Milliseconds between two looks whether the first answer is there, at least and at most. */
const pauses = [5, 100] as const

const sleep = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds))

/**
 * Remembers what `ask` said for a second, so that probes of this edge are no load on its upstreams: at the start each of thousands of models
 * wants to know. A probe that comes from another edge while the first answer is still out is told `false`: edges that are each other's upstream
 * do not ask in circles. Others look again until it is there, each by itself: only settled values are shared between requests (workerd issue 210).
 *
 * @example const ready = remembered((hops) => kind.isUp({ upstream, key, hops, environment }))
 */
export function remembered(ask: (hops: number) => Promise<boolean>): (hops?: number) => Promise<boolean> {
	let known: boolean | undefined
	let asked = Number.NEGATIVE_INFINITY
	const since = () => performance.now() - asked
	return async (hops = 0) => {
		for (let pause: number = pauses[0]; known === undefined && since() < cutOff; pause = Math.min(2 * pause, pauses[1])) {
			if (hops > 0) return false
			await sleep(pause)
		}
		if (known !== undefined && since() < freshness) return known
		asked = performance.now()
		known = await ask(hops)
		return known
	}
}
