// Tabs in one thread: the real tab and hub over real broadcast channels, with an engine that runs in the same thread and locks as browsers have them.

import type { Answer, Call } from '../../runtime/core/call.ts'
import { provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import { type Outcome, unwrap } from '../../runtime/device/control.ts'
import { holdLifeline, watchLifeline } from '../../runtime/device/lifeline.ts'
import { answerOver, callOver, type Port } from '../../runtime/device/port.ts'
import type { Ask } from '../../runtime/page/ask.ts'
import type { Engine, Told } from '../../runtime/page/engine.ts'
import { shareable } from '../../runtime/tabs/hub.ts'
import { Tab, type TabOptions } from '../../runtime/tabs/tab.ts'
import { type Locks, makeLocks } from './tabs-locks.ts'

/** An engine as it was started in some tab. */
export interface SimulatedEngine {
	/** Client id of its worker. */
	readonly worker: string
	/** Client id of its tab. */
	readonly tab: string
	readonly loaded: Set<string>
	/** Calls under way, by model. */
	readonly calls: { model: string; signal: AbortSignal; answer(): void }[]
	/** Updates under way, by model, and how often each was asked for. */
	readonly updates: Map<string, PromiseWithResolvers<Outcome<never>> & { asked: number }>
	/** As if the worker had crashed. */
	kill(): void
	over: boolean
}

export interface SimulatedTab {
	readonly id: string
	readonly tab: Tab
	readonly told: Told[]
	dispose(): void
}

export interface Origin {
	readonly locks: Locks
	/** All engines ever started. */
	readonly engines: SimulatedEngine[]
	/** Those that live. */
	running(): SimulatedEngine[]
	/** Whether engines keep calls until the test answers them. Default false. */
	holding: boolean
	/** Fails the start of engines. */
	broken: SpillwayError | undefined
	open(id: string, more?: Partial<TabOptions>): SimulatedTab
	/** Disposes all tabs. */
	close(): Promise<void>
}

export function makeOrigin(name = crypto.randomUUID()): Origin {
	const tabs: SimulatedTab[] = []
	const origin: Origin = {
		locks: makeLocks(),
		engines: [],
		running: () => origin.engines.filter(({ over }) => !over),
		holding: false,
		broken: undefined,
		open(id, more = {}) {
			const disposal = new AbortController()
			const told: Told[] = []
			const tab = new Tab({
				name,
				mayLead: true,
				startEngine: (signal, onTold) => startSimulated(origin, id, signal, onTold),
				disposal: disposal.signal,
				onTold: (message) => told.push(message),
				locks: origin.locks.of(id),
				...more,
			})
			const opened = { id, tab, told, dispose: () => disposal.abort(new SpillwayError('disposed', 'the runtime was disposed')) }
			tabs.push(opened)
			return opened
		},
		async close() {
			for (const tab of tabs) tab.dispose()
			// Goodbyes are on their way.
			await new Promise((resolve) => setTimeout(resolve, 20))
		},
	}
	return origin
}

async function startSimulated(origin: Origin, tab: string, signal: AbortSignal, onTold: (message: Told) => void): Promise<Engine> {
	await new Promise((resolve) => setTimeout(resolve, 5))
	signal.throwIfAborted()
	if (origin.broken) throw origin.broken
	const worker = `worker-${origin.engines.length}-of-${tab}`
	const locks = origin.locks.of(worker)
	const loaded = new Set<string>()
	const ports = new Set<Port>()
	const over = new AbortController()
	const life = new AbortController()

	const engine: SimulatedEngine = {
		worker,
		tab,
		loaded,
		calls: [],
		updates: new Map(),
		over: false,
		kill() {
			engine.over = true
			origin.locks.kill(worker)
			// The dead do not speak. What it says last comes too late.
			void control.dispose()
		},
	}
	origin.engines.push(engine)

	const state = (model: string): Told => ({
		type: 'state',
		model,
		version: null,
		space: null,
		provider: null,
		variant: null,
		estimate: loaded.has(model)
			? { can: 'now', queue: 0, run: 0 }
			: { can: 'loading', reason: 'loading', detail: `${model} was not loaded`, queue: 0, run: 0 },
		pace: null,
	})
	const tell = (model: string) => {
		for (const port of ports) port.postMessage(state(model))
	}

	const infer = ({ model }: Call, { signal }: Context) =>
		new Promise<Answer>((resolve, reject) => {
			const answer = () => resolve({ output: { kind: 'tensors', tensors: {} }, ran: provenance(worker, model) })
			const gone = () => reject(new SpillwayError('disposed', 'the engine was disposed'))
			signal.addEventListener('abort', () => reject(new SpillwayError('aborted', 'the call was aborted')))
			life.signal.addEventListener('abort', gone)
			if (life.signal.aborted) gone()
			else if (!loaded.has(model.name)) reject(new SpillwayError('unavailable', `${model.name} was not loaded`))
			else if (origin.holding) engine.calls.push({ model: model.name, signal, answer })
			else answer()
		})

	const control = shareable(
		{
			configure: async () => ({ ok: true, value: { lock: await holdLifeline('engine', undefined, locks) } }),
			async load(model) {
				await new Promise((resolve) => setTimeout(resolve, 5))
				if (model === 'none') return { ok: false, error: { code: 'not-found', message: 'no such model' } }
				loaded.add(model)
				tell(model)
				return { ok: true, value: { model } as never }
			},
			stopLoading() {},
			// One for all who ask, as in a real engine.
			update(model) {
				const under = engine.updates.get(model) ?? { ...Promise.withResolvers<Outcome<never>>(), asked: 0 }
				engine.updates.set(model, under)
				under.asked++
				return under.promise
			},
			stopUpdating(model) {
				engine.updates.get(model)?.resolve({ ok: false, error: { code: 'aborted', message: 'the update was aborted' } })
			},
			storage: async () => ({ ok: true, value: [] }),
			sleep: (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds)),
			explain: (model) => ({ model }) as never,
			async unload(model) {
				loaded.delete(model)
				tell(model)
			},
			async dispose() {
				life.abort()
			},
		},
		(port) => {
			const abort = answerOver(port, infer)
			ports.add(port)
			for (const model of loaded) port.postMessage(state(model))
			return () => {
				ports.delete(port)
				abort()
			}
		},
		locks,
	)

	const { lock } = unwrap(await control.configure({} as never))
	const { port1, port2 } = new MessageChannel()
	control.connect(port2)
	const caller = callOver(port1, 'the engine', onTold)
	const end = (error: SpillwayError) => {
		over.abort(error)
		caller.close(error)
	}
	watchLifeline(lock, over.signal, () => end(new SpillwayError('worker-lost', 'the engine worker ended')), origin.locks.of(tab))
	return {
		infer: caller.infer,
		over: over.signal,
		ask: (async (method, parameters) => {
			over.signal.throwIfAborted()
			return (control[method] as (...parameters: unknown[]) => unknown)(...parameters)
		}) as Ask,
		async stop(error) {
			end(error)
			await control.dispose()
			engine.over = true
			origin.locks.kill(worker)
		},
	}
}
