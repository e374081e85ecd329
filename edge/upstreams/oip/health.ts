// Whether an upstream says that it is up.

import type { ProbeOptions } from '../upstream.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/**
 * Asks `/v2/health/ready`. Only the status counts: bodies differ between servers.
 * Never rejects.
 */
export async function isUp({
	upstream: { url },
	key,
	hops,
	fetch = (address, init) => globalThis.fetch(address, init),
}: Omit<ProbeOptions<{ readonly url: string }>, 'environment'>): Promise<boolean> {
	try {
		const response = await fetch(`${url.replace(/\/+$/, '')}/v2/health/ready`, {
			headers: { 'spillway-hops': `${hops + 1}`, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
			// As calls do.
			redirect: 'manual',
			signal: AbortSignal.timeout(patience),
		})
		await response.body?.cancel()
		return response.ok
	} catch {
		return false
	}
}
