// What upstreams said of their health, remembered for a moment.

/** Milliseconds for which an answer is good. */
const freshness = 1_000

/**
 * Remembers what `ask` said for a second, so that probes of this edge are no load on its upstreams. A probe that comes from another edge
 * while the first answer is still out is told `false`: edges that are each other's upstream do not ask in circles. Only settled values are
 * shared between requests.
 *
 * @example const ready = remembered((hops) => kind.isUp({ upstream, key, hops, environment }))
 */
export function remembered(ask: (hops: number) => Promise<boolean>): (hops?: number) => Promise<boolean> {
	let known: boolean | undefined
	let asked = Number.NEGATIVE_INFINITY
	return async (hops = 0) => {
		if (performance.now() - asked < freshness && (known !== undefined || hops > 0)) return known ?? false
		asked = performance.now()
		known = await ask(hops)
		return known
	}
}
