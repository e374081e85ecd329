// One session worker as the engine sees it: from its start to its death.

import { type Remote, transfer, wrap } from 'comlink'
import { bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { mustPass, type Verdict } from '../session/checked.ts'
import { type Outcome, unwrap } from './control.ts'
import { watchLifeline } from './lifeline.ts'
import { type Caller, callOver } from './port.ts'
import type { SessionControl, SessionSettings } from './session-control.ts'
import { spawn } from './spawn.ts'

/** A worker that answers calls. */
export interface Member {
	/** Settles when the worker has answered or is gone. */
	readonly ask: Caller['ask']
	/** Aborts, with a `SpillwayError` as its reason, when the worker has died or was ended. */
	readonly over: AbortSignal
	/** Bytes of its WebAssembly memory, as it last told; 0 when it does not know. It only ever grows. */
	readonly memory: number
	/** Ends the worker and gives its memory back; what is under way rejects with `error`. */
	end(error: SpillwayError): void
}

/** A worker in which ONNX Runtime runs, without a model. */
export interface Prepared {
	readonly worker: Remote<SessionControl>
	/** What computes there, for golden verdicts. */
	readonly build: string
	readonly over: AbortSignal
	/** Takes what the worker tells of its WebAssembly memory, in bytes. */
	onMemory(bytes: number): void
	end(error: SpillwayError): void
}

/** Milliseconds that a worker may take to load its script, and then a graph with its golden samples. */
const startLimit = 180_000

export interface PrepareOptions {
	/** Address of the session worker's script. */
	script: string
	/** Shown in developer tools. */
	name: string
	/** ONNX Runtime's WebAssembly; waited for while the script is loaded. */
	wasm: Promise<WebAssembly.Module>
	signal: AbortSignal
	/** Told how large its WebAssembly memory is, whenever it has grown. */
	onMemory?(bytes: number): void
	/** Told once when nothing is left of the worker, or of the attempt to start one. */
	onGone?(): void
}

/** Milliseconds that a worker which was ended is waited for. */
const endLimit = 2_000

/** Whoever was ended is watched until it is gone. */
const never = new AbortController().signal

/**
 * Starts a session worker, and ONNX Runtime in it.
 *
 * @throws SpillwayError `environment` (the script cannot be loaded, ONNX Runtime does not start), `worker-lost` (it died on the way),
 * `aborted`, and what `wasm` rejects with.
 */
export async function prepareWorker(options: PrepareOptions): Promise<Prepared> {
	const { script, name, wasm, signal, onMemory = () => {}, onGone = () => {} } = options
	let worker: Worker
	try {
		worker = spawn(script, name)
	} catch (error) {
		onGone()
		throw SpillwayError.from(error, 'environment', 'no worker can be started: ')
	}
	/** Resolves when its thread has ended; before it has told its lock there is no way to know. */
	let gone = Promise.resolve()
	const over = new AbortController()
	const end = (error: SpillwayError) => {
		over.abort(error)
		worker.terminate()
	}
	worker.addEventListener('error', (event) =>
		end(new SpillwayError('environment', `${script} failed: ${event.message || 'the script cannot be loaded'}`)),
	)
	worker.addEventListener('messageerror', () => end(new SpillwayError('worker-lost', 'a message of the session worker could not be read')))
	over.signal.addEventListener('abort', () => within(endLimit, gone).then(onGone), { once: true })
	const prepared = { worker: wrap<SessionControl>(worker), over: over.signal, onMemory, end }
	const { lock, build } = await ask(prepared, signal, (worker) => worker.hello())
	gone = new Promise((resolve) => watchLifeline(lock, never, resolve))
	gone.then(() => end(new SpillwayError('worker-lost', 'the session worker ended')))
	const module = await wasm.catch((error) => {
		end(SpillwayError.from(error))
		throw error
	})
	await ask(prepared, signal, (worker) => worker.prepare(module))
	return { ...prepared, build }
}

export interface StartOptions {
	settings: Omit<SessionSettings, 'verdict'>
	/** Golden verdicts, by what computes. */
	recall(build: string): Promise<Verdict | undefined>
	remember(build: string, verdict: Verdict): Promise<void>
	signal: AbortSignal
}

/**
 * Loads a graph into a worker. On an error the worker is ended.
 *
 * @returns the worker, and whether its golden check was run or remembered.
 * @throws SpillwayError `golden-mismatch`, `worker-lost` (it died on the way), `unsupported` (ONNX Runtime refuses the graph), `aborted`.
 */
export async function startMember(
	prepared: Prepared,
	{ settings, recall, remember, signal }: StartOptions,
): Promise<{ member: Member; remembered: boolean }> {
	const { worker, over, end, build } = prepared
	try {
		const known = await recall(build)
		if (known) mustPass(known, settings)
		const buffers = [settings.graph.buffer, ...settings.external.map(({ data }) => data.buffer)]
		const verdict = await ask(prepared, signal, (worker) => worker.start(transfer({ ...settings, verdict: known }, buffers)))
		if (!known) await remember(build, verdict)
		mustPass(verdict, settings)
		const { port1, port2 } = new MessageChannel()
		const caller = callOver(port1, 'the session worker')
		over.addEventListener('abort', () => caller.close(over.reason))
		worker.connect(transfer(port2, [port2]))
		return { member: { ask: caller.ask, over, memory: 0, end }, remembered: known !== undefined }
	} catch (error) {
		end(SpillwayError.from(error))
		throw error
	}
}

/** Asks over Comlink, which would wait for ever for a worker that is gone. Whoever does not answer is ended. */
async function ask<T>(
	{ worker, over, end }: Omit<Prepared, 'build'>,
	signal: AbortSignal,
	question: (worker: Remote<SessionControl>) => Promise<Outcome<T>>,
): Promise<T> {
	try {
		return await bounded('the start of a session worker', { remaining: startLimit, signal: AbortSignal.any([signal, over]) }, async () =>
			unwrap(await question(worker)),
		)
	} catch (error) {
		// Why the worker is gone says more than that the start was broken off.
		const reason = over.aborted ? over.reason : error
		end(SpillwayError.from(reason))
		throw reason
	}
}

/** Resolves with `work`, or after so many milliseconds. */
function within(milliseconds: number, work: Promise<void>): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, milliseconds)
		work.finally(() => clearTimeout(timer)).then(resolve, resolve)
	})
}
