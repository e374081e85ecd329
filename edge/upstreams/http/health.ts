// Whether a server of a declared mapping says that it is up.

import type { ProbeOptions } from '../upstream.ts'
import { addressOf } from './request.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/**
 * Asks `health`, where a 2xx counts; without it, any answer below 500 at the base address does: it can be reached.
 * Never rejects.
 */
export async function isUp({
	upstream: { url, health },
	hops,
	fetch = (address, init) => globalThis.fetch(address, init),
}: Omit<ProbeOptions<{ readonly url: string; readonly health?: string | undefined }>, 'environment' | 'key'>): Promise<boolean> {
	try {
		const response = await fetch(addressOf(url, health ?? '/', { name: '' }), {
			headers: { 'spillway-hops': `${hops + 1}` },
			redirect: 'manual',
			signal: AbortSignal.timeout(patience),
		})
		await response.body?.cancel()
		return health === undefined ? response.status < 500 : response.ok
	} catch {
		return false
	}
}
