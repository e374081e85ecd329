// TorchServe, by the envelope of its `json` and `kserve` services: https://pytorch.org/serve/inference_api.html
// Handlers with a form of their own are told by the same settings as those of `http`.

import { isUp } from '../http/health.ts'
import { preset } from '../http/mapping.ts'
import { httpUpstream } from '../http/upstream.ts'
import { upstreamKind } from '../upstream.ts'

export const torchserve = upstreamKind({
	kind: 'torchserve',
	settings: preset({ path: '/predictions/{model}', health: '/ping' }),
	executor: ({ upstream, ...options }) => {
		const { remote } = options.model
		const path = remote.version !== undefined && !upstream.path.includes('{version}') ? `${upstream.path}/{version}` : upstream.path
		return httpUpstream({ upstream: { ...upstream, path }, ...options })
	},
	isUp,
})
