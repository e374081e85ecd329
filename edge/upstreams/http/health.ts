// Whether a server of a declared mapping says that it is up.

import type { ProbeOptions } from '../upstream.ts'
import type { Mapping } from './mapping.ts'
import { addressOf, headersOf } from './request.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/**
 * Asks `health`, with the headers of a call, where a 2xx counts; without it, any answer below 500 at the base address does: it can be reached.
 * Never rejects.
 */
export async function isUp({
	upstream: { url, health, headers, keyHeader },
	key,
	environment,
	hops,
	fetch = (address, init) => globalThis.fetch(address, init),
}: ProbeOptions<Pick<Mapping, 'headers' | 'keyHeader' | 'health'> & { readonly url: string }>): Promise<boolean> {
	try {
		const response = await fetch(addressOf(url, health ?? '/', { name: '' }), {
			headers: { 'spillway-hops': `${hops + 1}`, ...(health !== undefined && headersOf({ headers, keyHeader }, key, environment)) },
			redirect: 'manual',
			signal: AbortSignal.timeout(patience),
		})
		await response.body?.cancel()
		return health === undefined ? response.status < 500 : response.ok
	} catch {
		return false
	}
}
