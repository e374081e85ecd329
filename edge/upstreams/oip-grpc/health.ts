// Whether an upstream says over gRPC that it is up.

import { ServerReadyRequestSchema, ServerReadyResponseSchema } from '../../protocols/grpc/proto/inference/open_inference_grpc_pb.ts'
import { bearer, inTime, patience } from '../probe.ts'
import type { ProbeOptions } from '../upstream.ts'
import { addressOf, decode, encode } from './method.ts'

/** Asks `ServerReady`. Never rejects. */
export async function isUp({ upstream, key, hops, fetch }: ProbeOptions<{ readonly url: string }>): Promise<boolean> {
	try {
		const response = await fetch?.(addressOf(upstream.url, 'serverReady'), {
			headers: {
				'spillway-hops': `${hops + 1}`,
				'grpc-timeout': `${patience}m`,
				...bearer(key),
			},
			body: encode(ServerReadyRequestSchema, {}),
			signal: inTime(),
		})
		return !!response?.ok && decode(ServerReadyResponseSchema, new Uint8Array(await response.arrayBuffer())).ready
	} catch {
		return false
	}
}
