// Upstreams that speak the Open Inference Protocol over REST: Triton, KServe, MLServer, another Spillway edge.

import { z } from 'zod'
import { upstreamKind } from '../upstream.ts'
import { isUp } from './health.ts'
import { oipUpstream } from './upstream.ts'

export const oip = upstreamKind({
	kind: 'oip',
	settings: {
		/** Whether tensors travel as binary data (Triton, KServe, Spillway); MLServer takes them as JSON only. */
		binary: z.boolean().default(true),
	},
	executor: oipUpstream,
	isUp,
})
