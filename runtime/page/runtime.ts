// The runtime of a page: one engine and one edge for all its models.

import { SpillwayError } from '../core/error.ts'
import type { StorageControl } from '../store/storage/manage.ts'
import { deviceExecutor } from './device.ts'
import { laterEdge } from './edge.ts'
import { type Model, makeModel, type ReadyOptions } from './model.ts'
import { type Assets, type RuntimeOptions, settingsOf } from './options.ts'
import { pageTelemetry } from './telemetry.ts'

/**
 * What is stored of models in the browser, for all pages of the origin. Asking starts the engine, if need be, but loads no model.
 *
 * All methods but `persist` reject with `environment` where no engine can be started, `worker-lost` when it dies, and `disposed`.
 *
 * @example for (const { model, bytes } of await runtime.storage.list()) console.log(model, bytes)
 */
export interface RuntimeStorage extends StorageControl {
	/**
	 * Asks the browser to delete nothing of this origin to make room for others. Chromium and WebKit decide by themselves; Firefox asks the user: call
	 * it when they have just said that they want the model.
	 *
	 * @returns whether the browser grants it.
	 */
	persist(): Promise<boolean>
}

export interface ModelOptions {
	/** A version, or a range of them: `"1.2.0"`, `"^1"`, `"~1.2"`, `">=1.2 <3"`. Default: the version that the model's channel names. */
	version?: string | undefined
}

export interface Runtime {
	/**
	 * A model, usable at once: calls before it is loaded are answered by the edge, or wait for it, as the policy says.
	 *
	 * @throws SpillwayError `invalid-input` when that names no model.
	 */
	model(name: string, options?: ModelOptions): Model
	/** `model` and its `ready` in one. */
	load(name: string, options?: ModelOptions & ReadyOptions): Promise<Model>
	readonly storage: RuntimeStorage
	/** Ends the workers and gives their memory back. Calls under way and later ones reject with `disposed`. Idempotent. */
	dispose(): Promise<void>
}

/** @param beside addresses of the files next to the entry, which alone knows where it was loaded from. */
export function makeRuntime(options: RuntimeOptions, beside: () => Assets): Runtime {
	const settings = settingsOf({ ...options }, beside)
	const disposal = new AbortController()
	const { edge: address, key, policy, assets } = settings
	const telemetry = pageTelemetry(settings, disposal.signal)
	const own = deviceExecutor(settings, disposal.signal, telemetry.tell)
	const device = policy === 'edge-only' ? null : own
	const stored = (method: keyof StorageControl) => (model?: string, version?: string) =>
		own.storage(method, model, version) as Promise<never>
	const edge =
		address === undefined ? null : { address, executor: laterEdge(assets.edge, address, key, policy !== 'device-only', disposal.signal) }

	let disposed: Promise<unknown> | undefined
	const runtime: Runtime = {
		model(name, { version } = {}) {
			if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) throw new SpillwayError('invalid-input', `"${name}" names no model`)
			const ref = version === undefined ? { name } : { name, version }
			return makeModel({ ref, policy, device, edge, telemetry, disposal: disposal.signal })
		},
		async load(name, options = {}) {
			const model = runtime.model(name, options)
			await model.ready(options)
			return model
		},
		storage: {
			list: stored('list'),
			estimate: stored('estimate'),
			delete: stored('delete'),
			verify: stored('verify'),
			persist: async () => !!(await navigator.storage?.persist?.()),
		},
		async dispose() {
			disposal.abort(new SpillwayError('disposed', 'the runtime was disposed'))
			disposed ??= Promise.all([own.dispose(), edge?.executor.dispose()])
			await disposed
		},
	}
	return runtime
}
