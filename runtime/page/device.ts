// The executor `device`: the engine worker behind its port. Started when first needed, and anew when it dies.

import type { Call, ModelRef } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Estimate, Executor } from '../core/executor.ts'
import { type ModelReport, type Outcome, unwrap } from '../device/control.ts'
import { estimateFor } from '../device/estimate.ts'
import type { Progress, StateMessage } from '../device/protocol.ts'
import { overflowReason } from '../overflow/reason.ts'
import { type Engine, startEngine, type Told } from './engine.ts'
import { environmentError } from './environment.ts'
import { shareLoads } from './loads.ts'
import type { Settings } from './options.ts'

/** An engine that dies twice within this many milliseconds is started again only when it is called. */
const calm = 60_000

export interface Device extends Executor {
	/** Resolves when the model serves here. Repeatable, also after a failure. */
	load(model: ModelRef, context: { remaining: number; signal: AbortSignal }, onProgress?: (progress: Progress) => void): Promise<void>
	/** Loads the model, unless it is there, on its way, or failed just now. */
	wake(model: ModelRef): void
	/** What the engine tells of the model; null before it was started. */
	explain(model: string): Promise<ModelReport | null>
}

/** Makes the executor; nothing is loaded until a model is wanted. */
export function deviceExecutor(settings: NonNullable<Settings['device']>): Device {
	const unable = environmentError()
	const disposal = new AbortController()
	const states = new Map<string, StateMessage>()
	const listeners = new Set<(progress: Progress) => void>()
	/** The engine in use, or on its way. */
	let engine: Promise<Engine> | undefined
	let running: Engine | undefined
	let lastDeath = Number.NEGATIVE_INFINITY
	/** Models to be loaded again into the next engine. */
	const loaded = new Map<string, ModelRef>()

	const loads = shareLoads(
		(key) => loadInto(key),
		(key) => {
			// It is stopped by its name; the load then settles with `aborted`.
			running?.ask((control) => control.stopLoading(nameOf(key))).catch(() => {})
		},
	)

	function start(): Promise<Engine> {
		engine ??= startEngine(settings, disposal.signal, onTold).then(
			(started) => {
				running = started
				started.over.addEventListener('abort', onOver)
				return started
			},
			(error) => {
				engine = undefined
				throw error
			},
		)
		return engine
	}

	function onOver() {
		engine = undefined
		running = undefined
		states.clear()
		if (disposal.signal.aborted) return
		const again = performance.now() - lastDeath > calm
		lastDeath = performance.now()
		if (again) for (const ref of loaded.values()) device.wake(ref)
	}

	async function loadInto(key: string, retry = true): Promise<Engine> {
		if (unable) throw unable
		const started = await start()
		const [, version] = key.split('@')
		try {
			unwrap(await started.ask((control): Promise<Outcome<ModelReport>> => control.load(nameOf(key), version)))
		} catch (error) {
			if (retry && started.over.aborted && !disposal.signal.aborted) return loadInto(key, false)
			throw error
		}
		loaded.set(key, { name: nameOf(key), ...(version !== undefined && { version }) })
		return started
	}

	function onTold(message: Told) {
		if (message.type === 'state') states.set(message.model, message)
		else for (const listener of listeners) listener(message)
	}

	/** The engine with the model in it. */
	async function withModel(ref: ModelRef, context: { remaining: number; signal: AbortSignal }): Promise<Engine> {
		return running && loaded.has(keyOf(ref)) && states.get(ref.name)?.estimate.can === 'now' ? running : loads.wait(keyOf(ref), context)
	}

	const gone = () => new SpillwayError('disposed', 'the runtime was disposed')

	const device: Device = {
		name: 'device',
		accepts: ['tensors', 'embed'],
		estimate(call) {
			if (disposal.signal.aborted) return no(gone())
			if (unable) return no(unable)
			const failure = loads.failure(keyOf(call.model))
			if (failure) return no(failure)
			const state = states.get(call.model.name)
			if (!state) return { can: 'loading', reason: 'loading', detail: 'the model is not loaded', queue: 0, run: 0 }
			const { space, version } = call.model
			if (space !== undefined && state.space !== null && space !== state.space)
				return no(new SpillwayError('unsupported', `the device is in the space ${state.space}`))
			if (version !== undefined && state.version !== null && version !== state.version)
				return no(new SpillwayError('unsupported', `the device has version ${state.version}`))
			return estimateFor(state, call)
		},
		infer(call, context) {
			return settledBy(disposal.signal, gone, context.signal, (signal) =>
				bounded('the call to the device', { remaining: context.remaining, signal }, async (abandoned) => {
					const clock = startClock(context.remaining)
					const left = () => ({ ...context, remaining: clock(), signal: abandoned })
					const first = await withModel(call.model, left())
					try {
						return await first.infer(call, left())
					} catch (error) {
						// Once more in a new engine, when it was the engine that was lost.
						if (!first.over.aborted || context.retries.left <= 0) throw error
						context.retries.left--
						return (await withModel(call.model, left())).infer(call, left())
					}
				}),
			)
		},
		load(ref, context, onProgress) {
			const listener = (progress: Progress) => progress.model === ref.name && onProgress?.(progress)
			listeners.add(listener)
			return settledBy(disposal.signal, gone, context.signal, (signal) => loads.wait(keyOf(ref), { ...context, signal }))
				.then(() => {})
				.finally(() => listeners.delete(listener))
		},
		wake(ref) {
			const call: Call = { kind: 'tensors', model: ref, tensors: {} }
			if (device.estimate(call).can !== 'loading') return
			loads.wait(keyOf(ref), { remaining: Number.POSITIVE_INFINITY, signal: disposal.signal }).catch(() => {
				// Remembered for the estimate.
			})
		},
		async explain(model) {
			return (await running?.ask((control) => control.explain(model))) ?? null
		},
		async dispose() {
			if (disposal.signal.aborted) return
			disposal.abort(gone())
			await engine?.then(
				(started) => started.stop(gone()),
				() => {},
			)
		},
	}
	return device
}

const keyOf = ({ name, version }: ModelRef): string => (version === undefined ? name : `${name}@${version}`)
const nameOf = (key: string): string => key.split('@')[0] as string

function no(error: SpillwayError): Estimate {
	return { can: 'no', reason: overflowReason(error) ?? 'unhealthy', detail: `${error.code}: ${messageOf(error)}`, queue: 0, run: 0 }
}

/** Like `work`, but rejects with `gone` when `disposal` aborts; `work` gets a signal for both ends. */
async function settledBy<T>(
	disposal: AbortSignal,
	gone: () => SpillwayError,
	signal: AbortSignal,
	work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	if (disposal.aborted) throw gone()
	try {
		return await work(AbortSignal.any([signal, disposal]))
	} catch (error) {
		throw disposal.aborted ? gone() : error
	}
}
