// What Comlink carries between a page and its engine worker: how it is started, configured and stopped.

import { SpillwayError, type WireError } from '../core/error.ts'
import type { Download } from '../store/leave.ts'
import type { StorageControl } from '../store/storage/manage.ts'
import type { Trust } from '../store/trust.ts'
import type { StateMessage } from './protocol.ts'

/** Comlink keeps only an error's name, message and stack: so control methods return their error. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; error: WireError }

/** Settles `work` as an outcome; never rejects. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
	try {
		return { ok: true, value: await work() }
	} catch (error) {
		return { ok: false, error: SpillwayError.from(error).toWire() }
	}
}

/** The value of an outcome, or its error thrown. */
export function unwrap<T>(outcome: Outcome<T>): T {
	if (outcome.ok) return outcome.value
	throw SpillwayError.fromWire(outcome.error)
}

export type { Trust }

/** What an application may fix instead of leaving it to be measured; all may be absent. */
export interface Tuning {
	/** Most rows of a batch. */
	maxBatch?: number | undefined
	/** Most milliseconds that a call waits for others to share its run. */
	maxWait?: number | undefined
	/** Threads of each session worker. */
	threads?: number | undefined
	/** Session workers for each model. */
	workers?: number | undefined
	/** Bytes that all models together may take. */
	memory?: number | undefined
	/** Bytes that all models together may take in the browser's storage. */
	storage?: number | undefined
	/** Milliseconds after which a model that nobody uses gives its memory back. */
	idle?: number | undefined
	/** Execution providers that may be tried, and whose files may be downloaded for that. */
	providers?: readonly ('wasm' | 'webgpu' | 'webnn')[] | undefined
	/**
	 * When a model is downloaded without `ready` or `load` being called. `"auto"`, the default: when a call wants it, unless the browser is asked
	 * to save data. `"wifi"`: likewise, and only where the browser says that it is on Wi-Fi, on a cable, or on no phone. `"ask"`: never. What is
	 * stored is used in any case.
	 */
	download?: Download | undefined
}

export interface EngineSettings {
	/** The page's `protocolVersion`; another than the engine's is refused (`environment`). */
	protocol: string
	/** Absolute addresses of the models, in the order in which they are to be asked, each with a slash at its end. */
	models: readonly string[]
	trust: Trust
	/** Nothing may be asked of the network once a model is there, not even which version is current. */
	quiet: boolean
	tuning: Tuning
	/** Absolute addresses of the session worker's script and of `ort-wasm-simd-threaded.wasm`. */
	assets: { session: string; wasm: string; gpu?: { session: string; wasm: string } | undefined }
}

/** Told by the engine when it has started, as a plain message, and again as the answer to `configure`. */
export interface EngineHello {
	/** Name of a Web Lock that the engine holds while it lives: who is granted it knows that the engine is gone. */
	lock: string
}

/** What was found out about one way to run a model here. */
export interface TrialReport {
	/** ONNX Runtime's execution provider. */
	provider: string
	threads: number
	workers: number
	/** ONNX Runtime's build: `wasm`, or `jspi` or `asyncify`, which compute on GPUs. */
	build: string
	/** The golden samples: answered within the tolerance, or not, or never asked. */
	golden: 'passed' | 'failed' | null
	/** Rows a second of the golden samples, over all workers. */
	rate: number | null
	/** Milliseconds of a lone run. */
	latency: number | null
	/** `serves`, or why it does not, with figures. */
	verdict: string
}

/** Who serves a model on the device, and why. */
export interface ServingReport {
	/** ONNX Runtime's execution provider. */
	provider: string
	/** Threads of each session worker. */
	threads: number
	/** Session workers now, and at most. */
	workers: number
	most: number
	why: string
	/** Everything that could be tried here was, or never will be. */
	settled: boolean
	/** What was tried, with figures. */
	trials: TrialReport[]
}

/** What `explain` tells of a model. */
export interface ModelReport {
	model: string
	state: 'absent' | 'loading' | 'ready' | 'failed'
	version: string | null
	/** Digest of the manifest. */
	manifest: string | null
	variant: string | null
	provider: string | null
	space: string | null
	/** Accuracy, licence and source, from the manifest. */
	description: { text: string; license: string; source: string; accuracy: Record<string, number | string> } | null
	/** Bytes of the version's files that are used here, and how many of them came from storage. */
	bytes: { total: number; stored: number } | null
	/** The golden check: run now, or its verdict remembered from an earlier start. */
	golden: 'passed' | 'remembered' | null
	/**
	 * What the channel names in place of the version that serves, and how far it has come: `stored` serves from the next start on, `refused`
	 * does not, for the reason in `error`. `null` when nothing else is known.
	 */
	next: { version: string; manifest: string; state: 'known' | 'downloading' | 'stored' | 'refused'; error: WireError | null } | null
	/** Which execution provider answers, with how many workers, and what others were measured to do; `null` before it is ready. */
	serving: ServingReport | null
	/** Bytes that its session workers take, those of all models of the page, and what these may take in all. */
	memory: { model: number; used: number; budget: number }
	/** What did not go as it should have and was got around: an expired channel, storage that is full, … */
	notes: readonly string[]
	/** Why the model is not there, when `state` is `failed`. */
	error: WireError | null
	estimate: StateMessage['estimate']
	/** Of an engine that tabs share: how many do, and whether this one hosts it. Else absent. */
	tabs?: { count: number; leads: boolean } | undefined
}

/** The engine worker's Comlink interface. Calls themselves travel by `protocol.ts` over a connected port. */
export interface EngineControl {
	/** First of all, once. */
	configure(settings: EngineSettings): Promise<Outcome<EngineHello>>
	/**
	 * Gives the engine a port for calls (`Comlink.transfer(port, [port])`). The states of all models are told on it at once,
	 * then each state when it changes, and the progress of loads.
	 */
	connect(port: MessagePort): void
	/**
	 * Lets other tabs of the origin use the engine, over broadcast channels (`tabs/protocol.ts`).
	 *
	 * @param group name of the channel on which they hear one another.
	 * @param leader client id, as Web Locks know it, of this engine's page.
	 */
	share(group: string, leader: string): void
	/**
	 * Resolves when the model serves (its golden samples passed). Loads of a model that is loading or loaded join it.
	 *
	 * @param version a version, or a range of them: `not-found` when neither the channel names one nor one is stored. Default: the channel's choice.
	 * @param there digest of the manifest that has served before, in another engine: it serves again. Under `quiet`, nothing is asked of the
	 *   network as long as storage has it.
	 * @param leave somebody has asked for it to be loaded, whatever `download` says. Holds from then on.
	 */
	load(model: string, version?: string, there?: string, leave?: boolean): Promise<Outcome<ModelReport>>
	/** Ends a load under way: it settles with `aborted`. What was downloaded and verified stays. */
	stopLoading(model: string): void
	/**
	 * As `load`; then lets the version serve that the channel names now, once it is downloaded and checked. Joins an update under way. On an
	 * error the version before goes on.
	 */
	update(model: string, version?: string, there?: string, leave?: boolean): Promise<Outcome<ModelReport & { changed: boolean }>>
	/** Ends an update under way: it settles with `aborted`, and the version before goes on. */
	stopUpdating(model: string): void
	explain(model: string): ModelReport
	/** What is stored of models: a method of `StorageControl`, and its parameters. */
	storage(method: keyof StorageControl, ...parameters: (string | undefined)[]): Promise<Outcome<unknown>>
	/** Resolves after so many milliseconds: a hidden page's own timers sleep. */
	sleep(milliseconds: number): Promise<void>
	/** Ends the model's workers; resolves when they are gone and their memory is free. A later `load` loads it again. */
	unload(model: string): Promise<void>
	/** Unloads everything. Calls and loads under way settle with `disposed`; no worker is left when it resolves. The engine can be terminated after that. */
	dispose(): Promise<void>
}
