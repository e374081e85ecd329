// The Durable Object that runs a model. All requests of an object share one context: a load that a first client began goes on when that
// client leaves, and others may wait for it, which between requests of a plain Worker would hang (workerd issue 210).

import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Priority } from '../../../runtime/core/executor.ts'
import { type MemoryBudget, memoryBudget } from '../../versions/budget.ts'
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

/** Of this isolate, which the platform may have several objects in. Nobody waits in it: requests of different objects must not. */
let isolate: MemoryBudget | undefined

/** Bytes of models in an isolate of 128 MB, by the size of their files: the shipped model's 24 MB come to some 40 loaded, and 60 with a run. */
const memoryOfIsolate = 48 * 2 ** 20

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

		/**
		 * `GET …/ready` tells whether the model is loaded, `GET …/loaded` waits for it, `GET …/standing` tells how it stands, `GET …/unload` gives
		 * its memory back, `POST …/infer` answers a call.
		 */
		async fetch(request: Request): Promise<Response> {
			const [, digest = '', variant = '', action] = new URL(request.url).pathname.split('/')
			try {
				const executor = this.#executor ?? (await this.#open({ digest, variant }))
				if (action === 'ready') return Response.json(executor.ready())
				if (action === 'standing') return Response.json(executor.state())
				if (action === 'loaded' || action === 'unload') {
					await executor[action]()
					return Response.json(true)
				}
				return await infer(executor, request)
			} catch (error) {
				return errorResponse(error)
			}
		}

		/** Of several requests that came this far, the first one's is taken. */
		async #open({ digest, variant }: ObjectAddress): Promise<Loading> {
			const { catalog, config } = await readSetting(this.#bindings)
			isolate ??= memoryBudget(config.server.memory ?? memoryOfIsolate, { patience: 0 })
			this.#executor ??= loading({
				name: 'edge',
				what: `manifest ${digest}, ${variant},`,
				accepts: ['tensors', 'embed'],
				budget: isolate,
				// Which of them are wanted, the objects do not know.
				kept: () => false,
				load: async (reserve) => {
					const stored = await catalog.manifest(digest)
					if (!stored) throw new SpillwayError('not-found', `manifest ${digest} is not in the catalogue`)
					const { manifest } = stored
					const modelConfig = config.models[manifest.model] ?? { tokensPerRun: Number.POSITIVE_INFINITY }
					return workerdSession({ catalog, manifest, digest, variant, config: modelConfig, reserve, wasm })
				},
			})
			return this.#executor
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
