// One session worker as the engine sees it: from its start to its death.

import { transfer } from 'comlink'
import { messageOf, SpillwayError } from '../core/error.ts'
import { mustPass, type Verdict } from '../session/checked.ts'
import { ask, type LaunchOptions, launch, type Prepared } from './launch.ts'
import { type Caller, callOver } from './port.ts'
import type { SessionSettings } from './session-control.ts'

export type { Prepared }

/** A worker that answers calls. */
export interface Member {
	/** Settles when the worker has answered or is gone. */
	readonly ask: Caller['ask']
	/** Aborts, with a `SpillwayError` as its reason, when the worker has died or was ended. */
	readonly over: AbortSignal
	/** Bytes of its WebAssembly memory, as it last told; 0 when it does not know. It only ever grows. */
	readonly memory: number
	/** Gives the worker a page's port, and what it tokenizes with. See `SessionControl.lay`. */
	lay(port: MessagePort, tokenizer: Uint8Array<ArrayBuffer>): void
	/** Ends the worker and gives its memory back; what is under way rejects with `error`. */
	end(error: SpillwayError): void
}

export type PrepareOptions = LaunchOptions

/**
 * Starts a session worker, and ONNX Runtime in it. Where its threads cannot be started it computes with one, and says so in `note`.
 *
 * @throws SpillwayError `environment` (the script cannot be loaded, ONNX Runtime does not start), `worker-lost` (it died on the way),
 * `aborted`, and what `wasm` rejects with.
 */
export async function prepareWorker(options: PrepareOptions): Promise<Prepared> {
	const { threads = 1, signal, wasm, onGone } = options
	if (threads === 1) return launch(options)
	if (!self.crossOriginIsolated) return launch({ ...options, threads: 1 }, oneThread(threads, 'the page is not cross-origin isolated'))
	const attempts = lastOf(onGone)
	const trying = attempts()
	try {
		return await launch({ ...options, onGone: attempts() })
	} catch (error) {
		if (signal.aborted) throw error
		// When that is what failed, it says so again.
		await wasm
		return await launch({ ...options, threads: 1, onGone: attempts() }, oneThread(threads, messageOf(error)))
	} finally {
		trying()
	}
}

const oneThread = (threads: number, why: string): SpillwayError =>
	new SpillwayError('environment', `computes with one thread, not ${threads}: ${why}`)

/** Each call stands for something that ends once, by calling what is returned; `done` is called when all have. */
function lastOf(done: () => void = () => {}): () => () => void {
	let open = 0
	return () => {
		open++
		return () => {
			if (--open === 0) done()
		}
	}
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
	const { over, end, build, onMemory } = prepared
	try {
		const known = await recall(build)
		if (known) mustPass(known, settings)
		const buffers = [settings.graph.buffer, ...settings.external.map(({ data }) => data.buffer)]
		const { verdict, memory } = await ask(prepared, signal, (worker) => worker.start(transfer({ ...settings, verdict: known }, buffers)))
		onMemory(memory)
		if (!known) await remember(build, verdict)
		mustPass(verdict, settings)
		const { port1, port2 } = new MessageChannel()
		const caller = callOver(port1, 'the session worker')
		if (over.aborted) throw over.reason
		over.addEventListener('abort', () => caller.close(over.reason), { once: true })
		prepared.worker.connect(transfer(port2, [port2]))
		return {
			member: {
				ask: caller.ask,
				over,
				get memory() {
					return prepared.memory
				},
				// Not waited for: what is asked before it is ready is answered by the engine.
				lay: (port, tokenizer) => void prepared.worker.lay(transfer(port, [port]), transfer(tokenizer, [tokenizer.buffer])),
				end,
			},
			remembered: known !== undefined,
		}
	} catch (error) {
		end(SpillwayError.from(error))
		throw error
	}
}
