// The executor `device`: the engine worker behind its port. Started when first needed, and anew after it has died.

import type { Call, ModelRef } from '../core/call.ts'
import { startClock } from '../core/deadline.ts'
import type { SpillwayError } from '../core/error.ts'
import { type Context, cannot, type Executor } from '../core/executor.ts'
import { type EngineControl, type ModelReport, unwrap } from '../device/control.ts'
import { estimateFor } from '../device/estimate.ts'
import type { Progress, StateMessage } from '../device/protocol.ts'
import type { Sleep } from '../overflow/loop.ts'
import { finish } from '../overflow/plan.ts'
import { overflowReason } from '../overflow/reason.ts'
import type * as StartFile from './engine.ts'
import type { Engine, Told } from './engine.ts'
import { environmentError } from './environment.ts'
import { lazily } from './lazy.ts'
import { shareLoads } from './loads.ts'
import type { Settings } from './options.ts'
import type { Telemetry } from './telemetry.ts'

export interface Device extends Executor {
	/**
	 * Resolves when the model serves here. Repeatable, also after a failure.
	 *
	 * @param update whether the version is to serve that the channel names now; the model is here.
	 */
	load(
		model: ModelRef,
		context: Pick<Context, 'remaining' | 'signal'>,
		onProgress?: (progress: Progress) => void,
		update?: boolean,
	): Promise<LoadReport>
	/** Loads the model unless it is there, on its way, or failed just now. */
	wake(model: ModelRef): void
	/**
	 * Begins a call that is about to be asked, where that is possible: what it answers comes sooner then.
	 *
	 * @param within milliseconds: where the device is likely to take longer, others may be asked instead, and nothing is begun.
	 */
	begin(call: Call, within: number): void
	/** For waiting in a hidden page, whose own timers come once a second or a minute: the engine's do not. */
	readonly sleep: Sleep
	/** What is stored of models: a method of `StorageControl`, and its parameters. */
	storage(...question: Parameters<EngineControl['storage']>): Promise<unknown>
	/** What the engine tells of the model; null before it was started. */
	explain(model: string): Promise<ModelReport | null>
}

/** What the engine tells of a load, and whether another version serves than before. */
type LoadReport = ModelReport & { changed?: boolean }

interface State extends Pick<StateMessage, 'version' | 'space' | 'estimate' | 'pace'> {
	/** Milliseconds of runs that were asked for since the engine told this: they wait before the next call. */
	sent?: number
}

/**
 * Makes the executor; nothing is loaded until a model is wanted.
 *
 * @param disposal aborted before `dispose`, with the error `disposed`.
 * @param tell of loads.
 */
export function deviceExecutor(settings: Settings, disposal: AbortSignal, tell: Telemetry['tell']): Device {
	const states = new Map<string, State>()
	const listeners = new Set<(progress: Progress) => void>()
	/** Digests of models that have served: under `device-only` they are asked of the network no more. */
	const there = new Map<string, string>()
	/** Versions that will do for a key. */
	const fits = new Map<string, string | null>()
	/** Models that somebody has asked to be loaded: these may be downloaded. */
	const leave = new Set<string>()
	const { shared, assets } = settings
	// Where none can be started, there may be one in another tab.
	const environment = shared ? undefined : environmentError()
	const loadStart = lazily<Pick<typeof StartFile, 'startEngine'>>(shared ? assets.tabs : assets.start, disposal)
	const begin = async () => (await loadStart()).startEngine(settings, disposal, onTold)
	/** In use, or on its way. */
	let engine: Promise<Engine> | undefined
	let running: Engine | undefined

	async function start(): Promise<Engine> {
		disposal.throwIfAborted()
		if (environment) throw environment
		const over = () => {
			engine = running = undefined
			states.clear()
		}
		engine ??= begin().then(
			(started) => {
				running = started
				started.over.addEventListener('abort', over)
				return started
			},
			(error) => {
				over()
				throw error
			},
		)
		return engine
	}

	function onTold(message: Told) {
		if (message.type === 'state') states.set(message.model, message)
		else {
			tell(message)
			for (const listener of listeners) listener(message)
		}
	}

	async function load(key: string, wanted: () => boolean, again = true): Promise<Engine & { report: LoadReport }> {
		disposal.throwIfAborted()
		if (environment) throw environment
		const [name = '', version, update] = key.split('@')
		let started: Engine | undefined
		const mayDownload = leave.has(name)
		try {
			started = await start()
			const report = unwrap(await started.ask(update ? 'update' : 'load', [name, version || undefined, there.get(name), mayDownload]))
			// Its state comes by the port, and may come later than this.
			states.set(name, { pace: null, ...report })
			there.set(name, report.manifest as string)
			fits.set(`${name}@${version}`, report.version)
			return { ...started, report }
		} catch (error) {
			// Once more when it was the engine that was lost, or a load that others had just stopped, or had no leave before.
			const { code } = error as SpillwayError
			const lost = leave.has(name) !== mayDownload || (started ? started.over.aborted || code === 'aborted' : code === 'worker-lost')
			if (again && wanted() && lost) return load(key, wanted, false)
			throw error
		}
	}

	function observed(key: string, wanted: () => boolean) {
		// Now, and not when the model is there: then nothing may be asked of the network under `device-only`.
		tell()
		const start = performance.now()
		const loading = load(key, wanted)
		const told = (error?: SpillwayError) => tell({ type: 'load', model: key.split('@')[0] as string, start, error: error?.code })
		loading.then(() => told(), told)
		return loading
	}

	const loads = shareLoads(observed, (key) => {
		const [name = '', , update] = key.split('@')
		engine?.then(({ ask }) => ask(update ? 'stopUpdating' : 'stopLoading', [name])).catch(() => {})
	})

	/** Whether what the device has will do: which range it lies in is for the engine to say. */
	const isFit = (ref: ModelRef, { version }: State): boolean =>
		!ref.version || !version || [ref.version, fits.get(keyOf(ref))].includes(version)

	const isReady = (ref: ModelRef): boolean => {
		const state = states.get(ref.name)
		return state?.estimate.can === 'now' && isFit(ref, state)
	}

	const device: Device = {
		name: 'device',
		accepts: ['tensors', 'embed'],
		estimate(call) {
			const { model } = call
			const error: SpillwayError | undefined = disposal.reason ?? environment ?? loads.failure(keyOf(model))
			if (error) return cannot(overflowReason(error) ?? 'unhealthy', `${error.code}: ${error.message}`)
			const state = states.get(model.name)
			if (!state || !isFit(model, state)) return { can: 'loading', reason: 'loading', queue: 0, run: 0 }
			if (model.space && state.space && model.space !== state.space)
				return cannot('unsupported', `the device has space ${state.space}, not ${model.space}`)
			const expected = estimateFor(state, call)
			return { ...expected, queue: expected.queue + Math.max(0, state.sent ?? 0) }
		},
		async infer(call, context) {
			const clock = startClock(context.remaining)
			for (let again = context.retries.left > 0; ; again = false) {
				const now = { ...context, remaining: clock() }
				const used = await (isReady(call.model) && engine ? engine : loads.wait(keyOf(call.model), now))
				const state: Partial<State> = states.get(call.model.name) ?? {}
				const { run } = device.estimate(call)
				state.sent = (state.sent ?? 0) + run
				try {
					return await used.infer(call, { ...context, remaining: clock() })
				} catch (error) {
					// Once more in a new engine, when it was the engine that was lost.
					if (!again || !used.over.aborted || disposal.aborted) throw error
					context.retries.left--
				} finally {
					state.sent -= run
				}
			}
		},
		begin(call, within) {
			const expected = device.estimate(call)
			if (expected.can === 'now' && finish(expected) <= within) running?.begin?.(call)
		},
		async load(ref, context, onProgress, update) {
			leave.add(ref.name)
			const listener = (progress: Progress) => progress.model === ref.name && onProgress?.(progress)
			listeners.add(listener)
			const loaded = await loads.wait(keyOf(ref) + (update ? '@update' : ''), context).finally(() => listeners.delete(listener))
			return loaded.report
		},
		wake(ref) {
			const key = keyOf(ref)
			if (disposal.aborted || environment || isReady(ref) || !loads.idle(key)) return
			loads.wait(key, { remaining: Number.POSITIVE_INFINITY, signal: disposal }).catch(() => {
				// Remembered for the estimate.
			})
		},
		sleep(milliseconds, wake) {
			let waiting = true
			const end = () => {
				clearTimeout(timer)
				waiting = false
			}
			const once = () => {
				if (!waiting) return
				end()
				wake()
			}
			const timer = setTimeout(once, milliseconds)
			if (globalThis.document?.hidden) engine?.then(({ ask }) => ask('sleep', [milliseconds])).then(once, () => {})
			return end
		},
		storage: async (...question) => unwrap(await (await start()).ask('storage', question)),
		async explain(model) {
			// One that is on its way, or lost meanwhile, tells nothing yet.
			return (await running?.ask('explain', [model]).catch(() => null)) ?? null
		},
		async dispose() {
			await engine?.then(
				(started) => started.stop(disposal.reason),
				() => {},
			)
		},
	}
	return device
}

const keyOf = ({ name, version = '' }: ModelRef): string => `${name}@${version}`
