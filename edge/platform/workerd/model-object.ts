// The Durable Object that runs a model. All requests of an object share one context: a load that a first client began goes on when that
// client leaves, and others may wait for it, which between requests of a plain Worker would hang (workerd issue 210).

import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Priority } from '../../../runtime/core/executor.ts'
import { type Loading, loading } from '../loading.ts'
import type { Bindings } from './bindings.ts'
import { decodeCall, encodeAnswer, errorResponse } from './message.ts'
import { workerdSession } from './session.ts'
import { readSetting } from './setting.ts'

/** Which version an object is asked for; an object serves the first one, and is named by it. */
export interface ObjectAddress {
	readonly digest: string
	readonly variant: string
}

/** @param wasm ONNX Runtime's compiled WebAssembly. @returns the class for `[[durable_objects.bindings]]`. */
export const modelObject = (
	wasm: WebAssembly.Module,
): (new (
	state: unknown,
	bindings: Bindings,
) => { fetch(request: Request): Promise<Response> }) =>
	class ModelObject {
		readonly #bindings: Bindings
		#executor: Loading | undefined

		constructor(_state: unknown, bindings: Bindings) {
			this.#bindings = bindings
		}

		/** `GET …/ready` tells whether the model is loaded, `GET …/loaded` waits for it, `POST …/infer` answers a call. */
		async fetch(request: Request): Promise<Response> {
			const [, digest = '', variant = '', action] = new URL(request.url).pathname.split('/')
			try {
				this.#executor ??= this.#load({ digest, variant })
				if (action === 'ready') return Response.json(this.#executor.ready())
				if (action === 'loaded') {
					await this.#executor.loaded()
					return Response.json(true)
				}
				return await infer(this.#executor, request)
			} catch (error) {
				return errorResponse(error)
			}
		}

		#load({ digest, variant }: ObjectAddress): Loading {
			return loading({
				name: 'edge',
				what: `manifest ${digest}, ${variant},`,
				accepts: ['tensors', 'embed'],
				load: async () => {
					const { catalog, config } = await readSetting(this.#bindings)
					const stored = await catalog.manifest(digest)
					if (!stored) throw new SpillwayError('not-found', `manifest ${digest} is not in the catalogue`)
					const { manifest } = stored
					const { tokensPerRun = Number.POSITIVE_INFINITY } = config.models[manifest.model] ?? {}
					return workerdSession({ catalog, manifest, digest, variant, tokensPerRun, wasm })
				},
			})
		}
	}

async function infer(executor: Loading, request: Request): Promise<Response> {
	const { headers } = request
	const call = decodeCall(new Uint8Array(await request.arrayBuffer()), headers)
	const answer = await executor.infer(call, {
		remaining: Number(headers.get('spillway-time-left')),
		signal: request.signal,
		hops: Number(headers.get('spillway-hops')),
		// Nothing is tried again in here.
		retries: { left: 0 },
		trace: headers.get('traceparent') ?? '',
		priority: (headers.get('spillway-priority') ?? 'normal') as Priority,
	})
	const message = encodeAnswer(answer)
	return new Response(message.body, { headers: message.headers })
}
