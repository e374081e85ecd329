// Ray Serve: an application under its route prefix, its inputs and outputs by their names in one JSON object.
// https://docs.ray.io/en/latest/serve/http-guide.html

import { isUp } from '../http/health.ts'
import { preset } from '../http/mapping.ts'
import { httpUpstream } from '../http/upstream.ts'
import { upstreamKind } from '../upstream.ts'

export const rayServe = upstreamKind({
	kind: 'ray-serve',
	settings: preset({ path: '/{model}', body: '$columns', outputs: '', health: '/-/healthz' }),
	executor: httpUpstream,
	isUp,
})
