// Whether an upstream says that it is up.

import type { Fetch } from '../../../runtime/remote/exchange.ts'
import type { UpstreamConfig } from '../../config/schema.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/** Milliseconds for which an answer is good. */
const freshness = 1_000

/**
 * Remembers what `ask` said for a second, so that probes of this edge are no load on its upstreams. A probe that comes from another edge
 * while the first answer is still out is told `false`: edges that are each other's upstream do not ask in circles. Only settled values are
 * shared between requests.
 *
 * @example const ready = remembered((hops) => isUp(upstream, key, hops))
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

/**
 * Asks `/v2/health/ready`. Only the status counts: bodies differ between servers.
 * Never rejects.
 *
 * @param hops behind the request that asks for it: the upstream may be an edge that asks this one in turn.
 */
export async function isUp(
	{ url }: Pick<UpstreamConfig, 'url'>,
	key: string | undefined,
	hops = 0,
	fetch: Fetch = (address, init) => globalThis.fetch(address, init),
): Promise<boolean> {
	try {
		const response = await fetch(`${url.replace(/\/+$/, '')}/v2/health/ready`, {
			headers: { 'spillway-hops': `${hops + 1}`, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
			signal: AbortSignal.timeout(patience),
		})
		await response.body?.cancel()
		return response.ok
	} catch {
		return false
	}
}
