// The edge on workerd: Cloudflare Workers, or workerd itself. `wrangler.toml` declares what it is given.

import type { ExecutionContext } from 'hono'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm'
import { readSigningKey } from '../models/format/key-text.ts'
import { SpillwayError } from '../runtime/core/error.ts'
import { createEdge } from './app.ts'
import { createChannels } from './catalog/channels.ts'
import { readTokenizer } from './catalog/model-file.ts'
import { distribution } from './catalog/routes.ts'
import { findSecret } from './config/secrets.ts'
import { pages } from './platform/pages.ts'
import { type OwnedModels, servedModels } from './platform/served.ts'
import { upstreamsOf } from './platform/upstreams.ts'
import { assets } from './platform/workerd/assets.ts'
import type { Bindings } from './platform/workerd/bindings.ts'
import { inObject } from './platform/workerd/in-object.ts'
import { modelObject } from './platform/workerd/model-object.ts'
import { readSetting } from './platform/workerd/setting.ts'
import { sharedState } from './state/in-object.ts'

export { StateObject } from './state/object.ts'

/** Runs a model. */
export const ModelObject = modelObject(wasm)

interface Edge {
	readonly models: OwnedModels
	readonly app: ReturnType<typeof createEdge>
}

/** Of this isolate. Kept only when settled: requests must not wait for one another (workerd issue 210). */
let edge: Edge | undefined

export default {
	async fetch(request: Request, bindings: Bindings, execution: ExecutionContext): Promise<Response> {
		if (!edge) {
			const made = await makeEdge(bindings)
			edge ??= made
			// The models may be needed soon.
			execution.waitUntil(edge.models.loaded().catch((error) => console.error(error)))
		}
		return edge.app.fetch(request, bindings, execution)
	},
}

async function makeEdge(bindings: Bindings): Promise<Edge> {
	const { config, version, catalog, where } = await readSetting(bindings)
	const [withTls] = config.upstreams.filter(({ tls }) => tls)
	if (withTls)
		throw new SpillwayError('malformed', `upstreams ${withTls.name}: "tls" is for Node; a Worker has its platform's certificates`)
	const secret = findSecret(config.signing.key, bindings)
	const key = secret === undefined ? undefined : await readSigningKey(secret, config.signing.key.env)
	const keys = [...(key ? [key.x] : []), ...config.signing.previous]
	const { routes, comparisons, ...shared } = sharedState(bindings.STATE, version)
	const models = servedModels({
		config,
		catalog,
		where,
		provider: 'wasm',
		inProcess: (model) => inObject(model, bindings.MODEL),
		routes,
		comparisons,
		metrics: shared.metrics,
		upstreams: (model) =>
			upstreamsOf(model, {
				config,
				environment: bindings,
				across: false,
				tokenizer: ({ manifest }) => readTokenizer(catalog, manifest),
			}),
	})
	const app = createEdge({
		config,
		models,
		distribution: distribution({ catalog, channels: createChannels({ catalog, key, expiresIn: config.signing.expiresIn }), keys, sized }),
		pages: pages({
			demo: assets(bindings.ASSETS, 'demo'),
			script: assets(bindings.ASSETS, 'script'),
			docs: assets(bindings.ASSETS, 'docs'),
			keys,
		}),
		...shared,
		admin: { models, routes, comparisons, memory: null },
		build: { version, platform: 'workerd' },
		keep: (c, work) => c.executionCtx.waitUntil(work),
	})
	return { models, app }
}

declare const FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>

/** workerd sends a stream in pieces of unknown length unless it is told the length in this way. */
const sized = (stream: ReadableStream<Uint8Array>, length: number) => stream.pipeThrough(new FixedLengthStream(length))
