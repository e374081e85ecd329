// One try to start a session worker, and ONNX Runtime in it.

import { type Remote, wrap } from 'comlink'
import { bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { type Outcome, unwrap } from './control.ts'
import { watchNeighbour } from './lifeline.ts'
import { protocolVersion } from './protocol.ts'
import type { SessionControl, SessionTold } from './session-control.ts'
import { spawn } from './spawn.ts'

/** A worker in which ONNX Runtime runs, without a model. */
export interface Prepared {
	readonly worker: Remote<SessionControl>
	/** What computes there, for golden verdicts. */
	readonly build: string
	/** Threads with which it computes. */
	readonly threads: number
	/** Why these are not as many as were asked for. */
	readonly note?: SpillwayError | undefined
	/** Bytes of its WebAssembly memory, as it last told. */
	readonly memory: number
	/** Aborts, with a `SpillwayError` as its reason, when the worker has died or was ended. */
	readonly over: AbortSignal
	/** Takes what the worker tells of its WebAssembly memory, in bytes. */
	onMemory(bytes: number): void
	end(error: SpillwayError): void
}

export interface LaunchOptions {
	/** Address of the session worker's script, from which this thread can start it, and it its threads: of this origin, or in memory. */
	script: string
	/** Shown in developer tools. */
	name: string
	/** ONNX Runtime's WebAssembly; waited for while the script is loaded. */
	wasm: Promise<WebAssembly.Module>
	signal: AbortSignal
	/** Default: 1. */
	threads?: number | undefined
	/** Bytes that its WebAssembly memory may grow to. Default: as far as it can. */
	most?: number | undefined
	/** Told how large its WebAssembly memory is, whenever it has grown. */
	onMemory?(bytes: number): void
	/** Told once when nothing is left of the worker, or of the attempt to start one. */
	onGone?(): void
}

/** Milliseconds that a worker may take to load its script, and then a graph with its golden samples. */
const startLimit = 180_000
/** Milliseconds that threads may take to start: beyond that one thread is the better choice. */
const threadsLimit = 20_000
/** Milliseconds that a worker which was ended is waited for. */
const endLimit = 2_000
/** Milliseconds before a worker is ended whose threads are starting: Chromium 156 would keep them, and their memory. */
const lastBreath = 500

/** Whoever was ended is watched until it is gone. */
const never = new AbortController().signal

/**
 * @param note why the worker has fewer threads than asked for.
 * @throws SpillwayError `environment` (the script cannot be loaded, ONNX Runtime does not start), `worker-lost` (it died on the way),
 * `aborted`, and what `wasm` rejects with. The worker is ended then.
 */
export async function launch(options: LaunchOptions, note?: SpillwayError): Promise<Prepared> {
	const { script, name, wasm, signal, threads = 1, most = Number.POSITIVE_INFINITY, onMemory = () => {}, onGone = () => {} } = options
	const over = new AbortController()
	let worker: Worker
	try {
		worker = spawn(script, name)
	} catch (error) {
		onGone()
		throw SpillwayError.from(error, 'environment', 'no worker can be started: ')
	}
	/** Resolves when its thread has ended; before it has told its lock there is no way to know. */
	let gone = Promise.resolve()
	let memory = 0
	const told = (bytes: number) => {
		if (bytes <= memory || over.signal.aborted) return
		memory = bytes
		onMemory(bytes)
	}
	let threadsStarting = false
	const end = (error: SpillwayError) => {
		over.abort(error)
		if (threadsStarting) setTimeout(() => worker.terminate(), lastBreath)
		else worker.terminate()
	}
	over.signal.addEventListener('abort', () => within(endLimit, gone).then(onGone), { once: true })
	worker.addEventListener('error', (event) =>
		end(new SpillwayError('environment', `${script} failed: ${event.message || 'the script cannot be loaded'}`)),
	)
	worker.addEventListener('messageerror', () => end(new SpillwayError('worker-lost', 'a message of the session worker could not be read')))
	worker.addEventListener('message', ({ data }: MessageEvent<SessionTold>) => {
		if (data.type === 'memory') told(data.bytes)
		else if (data.type === 'gone') end(SpillwayError.fromWire(data.error))
	})

	const remote = { worker: wrap<SessionControl>(worker), over: over.signal, end }
	const { lock, build, protocol } = await ask(remote, signal, (worker) => worker.hello())
	gone = new Promise((resolve) => watchNeighbour(lock, never, resolve))
	gone.then(() => end(new SpillwayError('worker-lost', 'the session worker ended')))
	if (protocol !== protocolVersion)
		end(
			new SpillwayError(
				'environment',
				`${script} is of another build than the engine (${protocol}, not ${protocolVersion}): serve the files of one build`,
			),
		)
	const module = await wasm.catch((error) => {
		end(SpillwayError.from(error))
		throw error
	})
	const limit = threads === 1 ? startLimit : threadsLimit
	threadsStarting = threads > 1
	const started = await ask(remote, signal, (worker) => worker.prepare(module, threads, most), limit)
	threadsStarting = false
	told(started.memory)
	return {
		...remote,
		build,
		threads: started.threads,
		note,
		get memory() {
			return memory
		},
		onMemory: told,
	}
}

/** Asks over Comlink, which would wait for ever for a worker that is gone. Whoever does not answer is ended. */
export async function ask<T>(
	{ worker, over, end }: Pick<Prepared, 'worker' | 'over' | 'end'>,
	signal: AbortSignal,
	question: (worker: Remote<SessionControl>) => Promise<Outcome<T>>,
	limit = startLimit,
): Promise<T> {
	try {
		return await bounded('the start of a session worker', { remaining: limit, signal: AbortSignal.any([signal, over]) }, async () =>
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
