// One life of the engine worker, from its start to its end: whoever waits for it learns at once when it dies.

import { type Remote, transfer, wrap } from 'comlink'
import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { type EngineControl, unwrap } from '../device/control.ts'
import { watchLifeline } from '../device/lifeline.ts'
import { type Caller, callOver } from '../device/port.ts'
import { protocolVersion, type Reply } from '../device/protocol.ts'
import { spawn } from '../device/spawn.ts'
import type { Settings } from './options.ts'

/** Milliseconds that the worker's script may take to be loaded and answer. */
const startLimit = 60_000
/** Milliseconds that it may take to end in order. */
const stopLimit = 2_000

export type Told = Exclude<Reply, { type: 'answer' | 'error' }>

export interface Engine {
	readonly infer: Caller['infer']
	/** Aborts, with the error as its reason, when the engine has died or was stopped. */
	readonly over: AbortSignal
	/** Asks over Comlink; rejects when the engine dies, which Comlink itself would not notice. */
	ask<T>(question: (control: Remote<EngineControl>) => Promise<T>): Promise<T>
	/** Ends the worker; calls under way reject with `error`. */
	stop(error: SpillwayError): Promise<void>
}

/**
 * Starts the engine worker.
 *
 * @param onTold gets states and progress.
 * @throws SpillwayError `environment` when the worker cannot be started (its script cannot be loaded, or the page's policy forbids it).
 */
export async function startEngine(
	{ models, trust, assets }: NonNullable<Settings['device']>,
	signal: AbortSignal,
	onTold: (message: Told) => void,
): Promise<Engine> {
	const cannot = (error: unknown) => new SpillwayError('environment', `${assets.engine} cannot be started: ${messageOf(error)}`)
	let worker: Worker
	try {
		worker = spawn(assets.engine, 'spillway engine')
	} catch (error) {
		throw cannot(error)
	}
	const over = new AbortController()
	try {
		const control = wrap<EngineControl>(worker)
		const { lock } = await bounded('the start of the engine', { remaining: startLimit, signal }, (abandoned) =>
			new Promise<Awaited<ReturnType<EngineControl['configure']>>>((resolve, reject) => {
				const failed = (event: ErrorEvent) => reject(cannot(event.message || 'the script cannot be loaded'))
				worker.addEventListener('error', failed, { once: true, signal: abandoned })
				control
					.configure({ protocol: protocolVersion, models, trust, assets })
					.then(resolve, reject)
					.finally(() => worker.removeEventListener('error', failed))
			}).then(unwrap),
		)
		const { port1, port2 } = new MessageChannel()
		const caller = callOver(port1, 'the engine', onTold)
		const end = (error: SpillwayError) => {
			over.abort(error)
			caller.close(error)
			worker.terminate()
		}
		watchLifeline(lock, over.signal, () => end(new SpillwayError('worker-lost', 'the engine worker ended')))
		const ask: Engine['ask'] = (question) =>
			new Promise((resolve, reject) => {
				const gone = () => reject(over.signal.reason)
				if (over.signal.aborted) return gone()
				over.signal.addEventListener('abort', gone)
				question(control)
					.then(resolve, reject)
					.finally(() => over.signal.removeEventListener('abort', gone))
			})
		await ask(() => control.connect(transfer(port2, [port2])))
		return {
			infer: caller.infer,
			over: over.signal,
			ask,
			async stop(error) {
				caller.close(error)
				// What does not end in order is ended by force.
				await bounded('the end of the engine', { remaining: stopLimit, signal: over.signal }, () => control.dispose()).catch(() => {})
				end(error)
			},
		}
	} catch (error) {
		over.abort()
		worker.terminate()
		throw error
	}
}
