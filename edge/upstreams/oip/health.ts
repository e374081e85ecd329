// Whether an upstream says that it is up.

import type { Fetch } from '../../../runtime/remote/exchange.ts'
import type { UpstreamConfig } from '../../config/schema.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/**
 * Asks `/v2/health/ready`. Only the status counts: bodies differ between servers.
 * Never rejects.
 */
export async function isUp(
	{ url }: Pick<UpstreamConfig, 'url'>,
	key: string | undefined,
	fetch: Fetch = (address, init) => globalThis.fetch(address, init),
): Promise<boolean> {
	try {
		const response = await fetch(`${url.replace(/\/+$/, '')}/v2/health/ready`, {
			headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
			signal: AbortSignal.timeout(patience),
		})
		await response.body?.cancel()
		return response.ok
	} catch {
		return false
	}
}
