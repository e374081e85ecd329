// Requests to upstreams on Node: undici's connections, kept alive, at a fraction of what the global `fetch` costs (docs/benchmarks.md).

import { Agent } from 'undici'
import type { Fetch } from '../../../runtime/remote/exchange.ts'
import { Exchange } from './pool-exchange.ts'
import type { TlsFiles } from './tls.ts'

export interface PoolOptions {
	/** Most connections at a time to one server; requests beyond wait for one. Default 256. */
	connections?: number | undefined
	/** Certificates in PEM. Default: the authorities that Node trusts, and no certificate of one's own. */
	tls?: TlsFiles | undefined
}

export interface Pool {
	/**
	 * Sends a request. The body of the response must be read, or cancelled. Redirects are not followed, and nothing is asked for compressed.
	 * Bounded by the signal alone: those who ask have a deadline.
	 */
	readonly fetch: Fetch
	/** Ends the connections, those that requests are on included. */
	close(): Promise<void>
}

/** Milliseconds until a connection must stand. */
const connecting = 10_000

/** Milliseconds for which an idle connection is kept: less than the five seconds after which many servers close theirs. */
const idle = 4_000

/** @example const { fetch } = connectionPool({ connections: 64 }) */
export function connectionPool({ connections = 256, tls = {} }: PoolOptions = {}): Pool {
	const agent = new Agent({
		connections,
		// The deadline of a call is the limit.
		headersTimeout: 0,
		bodyTimeout: 0,
		keepAliveTimeout: idle,
		connect: { ...tls, timeout: connecting },
	})
	return {
		fetch: (url, { method = 'GET', headers, body, signal }) =>
			new Promise((resolve, reject) => {
				if (signal?.aborted) {
					reject(signal.reason)
					return
				}
				const { origin, path } = parted(url)
				const sent = { origin, path, method: method as 'GET', headers: headers as Record<string, string>, body: body as Uint8Array }
				agent.dispatch(sent, new Exchange(resolve, reject, signal ?? undefined))
			}),
		close: () => agent.destroy(),
	}
}

/** The address without what a URL parser costs: it is made of a configured one. */
function parted(url: string): { origin: string; path: string } {
	const end = url.indexOf('/', url.indexOf('://') + 3)
	return end < 0 ? { origin: url, path: '/' } : { origin: url.slice(0, end), path: url.slice(end) }
}
