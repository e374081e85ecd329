// Upstreams that speak TensorFlow Serving's REST interface; its version 1 makes KServe's servers such upstreams, too.
// https://www.tensorflow.org/tfx/serving/api_rest

import { z } from 'zod'
import { upstreamKind } from '../upstream.ts'
import { isUp } from './health.ts'
import { tfservingUpstream } from './upstream.ts'

export const tfserving = upstreamKind({
	kind: 'tfserving',
	settings: {
		/** The signature that is called; without it, the model's default. */
		signature: z.string().min(1).optional(),
		/** How tensors travel: in columns, or in rows, for servers that know no others (KServe's version 1). */
		format: z.enum(['columns', 'rows']).default('columns'),
	},
	executor: tfservingUpstream,
	isUp,
})
