// Whether a server of a declared mapping says that it is up.

import { probe } from '../probe.ts'
import type { ProbeOptions } from '../upstream.ts'
import type { Mapping } from './mapping.ts'
import { addressOf, headersOf } from './request.ts'

/**
 * Asks `health`, with the headers of a call, where a 2xx counts; without it, any answer below 500 at the base address does: it can be reached.
 * Never rejects.
 */
export async function isUp({
	upstream: { url, health, headers, keyHeader },
	key,
	environment,
	...asking
}: ProbeOptions<Pick<Mapping, 'headers' | 'keyHeader' | 'health'> & { readonly url: string }>): Promise<boolean> {
	try {
		const own = health === undefined ? {} : headersOf({ headers, keyHeader }, key, environment)
		const response = await probe(addressOf(url, health ?? '/', { name: '' }), asking, own)
		await response.body?.cancel()
		return health === undefined ? response.status < 500 : response.ok
	} catch {
		return false
	}
}
