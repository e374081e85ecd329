// How an upstream is asked whether it is up: a request that is no call.

import type { Answered } from '../../runtime/remote/exchange.ts'
import type { ProbeOptions } from './upstream.ts'

/** What a probe needs that keeps its key in `Authorization`. */
export type PlainProbe<Config> = Omit<ProbeOptions<Config>, 'environment'>

/** Milliseconds that an upstream has to say so. */
export const patience = 2_000

/** Aborts when an upstream has had time enough to answer. */
export const inTime = (): AbortSignal => AbortSignal.timeout(patience)

export const bearer = (key: string | undefined): Record<string, string> => (key === undefined ? {} : { authorization: `Bearer ${key}` })

/**
 * Asks an upstream. Redirects are not followed, as calls do not follow them.
 * @throws what `fetch` throws.
 */
export const probe = (
	address: string,
	{ hops, fetch = (address, init) => globalThis.fetch(address, init) }: Pick<ProbeOptions<unknown>, 'hops' | 'fetch'>,
	headers: Readonly<Record<string, string>>,
	signal = inTime(),
): Promise<Answered> => fetch(address, { headers: { 'spillway-hops': `${hops + 1}`, ...headers }, redirect: 'manual', signal })

/** Makes a probe of a path at the upstream's address, where only the status counts: bodies differ between servers. The probe never rejects. */
export const upAt =
	(path: string) =>
	async ({ upstream: { url }, key, ...asking }: PlainProbe<{ readonly url: string }>): Promise<boolean> => {
		try {
			const response = await probe(url.replace(/\/+$/, '') + path, asking, bearer(key))
			await response.body?.cancel()
			return response.ok
		} catch {
			return false
		}
	}
