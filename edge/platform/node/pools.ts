// A pool of connections for each upstream of the configuration.

import type { Fetch } from '../../../runtime/remote/exchange.ts'
import type { Environment } from '../../config/environment.ts'
import type { EdgeConfig } from '../../config/schema.ts'
import type { UpstreamConfig } from '../../upstreams/kinds.ts'
import { grpcPool } from './grpc-pool.ts'
import { connectionPool, type Pool } from './pool.ts'
import { readTls } from './tls.ts'

export interface UpstreamPools {
	/** How requests to an upstream are sent. */
	fetchOf(upstream: UpstreamConfig): Fetch
	close(): Promise<void>
}

/** @throws SpillwayError `malformed` when certificates that the configuration names cannot be read. */
export function upstreamPools({ upstreams }: Pick<EdgeConfig, 'upstreams'>, environment: Environment): UpstreamPools {
	const pools = new Map<string, Pool>()
	for (const { name, kind, connections, tls } of upstreams) {
		const files = tls && readTls(tls, environment, `upstreams.${name}.tls`)
		pools.set(name, kind === 'oip-grpc' ? grpcPool({ tls: files }) : connectionPool({ connections, tls: files }))
	}
	return {
		fetchOf: ({ name }) => (pools.get(name) as Pool).fetch,
		async close() {
			await Promise.all([...pools.values()].map((pool) => pool.close()))
		},
	}
}
