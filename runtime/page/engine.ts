// `start.js`: one life of the engine worker, from its start to its end. Whoever waits for it learns at once when it dies.

import type { Call } from '../core/call.ts'
import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { type EngineSettings, type ModelReport, type Outcome, unwrap } from '../device/control.ts'
import { watchNeighbour } from '../device/lifeline.ts'
import { type Caller, callOver } from '../device/port.ts'
import { protocolVersion, type Told } from '../device/protocol.ts'
import { checkScript, inMemory, isForeign, spawn } from '../device/spawn.ts'
import { type Ask, askOver } from './ask.ts'
import { linesBeside } from './line.ts'
import type { Settings } from './options.ts'
import { watchPulse } from './pulse.ts'

/** Milliseconds that the worker's script may take to be loaded and answer. */
const startLimit = 30_000
/** Milliseconds that it may take to end in order. */
const stopLimit = 3_000

const sleep = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds))

export type { Told }

export interface Engine {
	/** Settles when the engine has answered, or is gone. */
	readonly infer: Caller['ask']
	/** Begins a call beforehand that `infer` is about to be asked, where that is possible. */
	begin?(call: Call): void
	/** Aborts, with the error as its reason, when the engine has died or was stopped. */
	readonly over: AbortSignal
	/** Calls a method of its control; rejects when the engine dies. */
	readonly ask: Ask
	/** Ends the worker; what is under way rejects with `error`. */
	stop(error: SpillwayError): Promise<void>
}

/** What an engine is told of a page's settings: all that it depends on. */
export const engineSettings = ({ models, trust, policy, assets, tuning }: Settings): EngineSettings => ({
	protocol: protocolVersion,
	models,
	trust,
	assets,
	tuning,
	quiet: policy === 'device-only',
})

/**
 * Starts the engine worker.
 *
 * @param onTold gets states and progress.
 * @throws SpillwayError `environment` when the worker cannot be started: its script cannot be loaded, or the page's policy forbids it, or it does
 *   not answer; `network` when the script does not come; `integrity` when that is of another origin, and not the published one.
 */
export async function startEngine(settings: Settings, signal: AbortSignal, onTold: (message: Told) => void): Promise<Engine> {
	const { assets } = settings
	const over = new AbortController()
	const { port1, port2 } = new MessageChannel()
	/** From here on calls are for this space, and for no worker of what served before. */
	const served = (model: string, space: string | null) => lines.cut(model, space)
	const told = (message: Told) => {
		if (message.type === 'state') served(message.model, message.space)
		onTold(message)
	}
	const caller = callOver(port1, 'the engine', told, (line) => lines.lay(line))
	const lines = linesBeside(caller.ask)
	let worker: Worker | undefined
	/** Its script has come, and runs. */
	let runs = false
	const end = (error: SpillwayError) => {
		over.abort(error)
		caller.close(error)
		lines.close(error)
		worker?.terminate()
	}
	try {
		const limit = { remaining: startLimit, signal }
		const script = await bounded('loading the engine', limit, (abandoned) => startable(assets.engine, abandoned))
		over.signal.addEventListener('abort', () => URL.revokeObjectURL(script))
		worker = spawn(script, 'spillway engine')
		const heard = () => {
			runs = true
		}
		worker.addEventListener('message', heard, { once: true })
		const lock = new Promise<string>((tell) => worker?.addEventListener('message', ({ data }) => data.lock && tell(data.lock)))
		lock.then((name) => watchNeighbour(name, over.signal, () => end(new SpillwayError('worker-lost', 'the engine worker ended'))))
		const asked = askOver(worker)
		// Not a race with a promise that lives as long as the engine: that would keep something of every question.
		const ask: Ask = (...question) =>
			new Promise((resolve, reject) => {
				const { signal } = over
				const gone = () => reject(signal.reason)
				if (signal.aborted) return gone()
				signal.addEventListener('abort', gone)
				asked(...question)
					.finally(() => signal.removeEventListener('abort', gone))
					.then((told) => {
						if (question[0] === 'update') updated(told as Outcome<ModelReport>)
						resolve(told)
					}, reject)
			})
		// Its state comes by the port, and may come later than this.
		const updated = (told: Outcome<ModelReport>) => told.ok && served(told.value.model, told.value.space)
		worker.onerror = ({ message }) =>
			over.abort(new SpillwayError('environment', `${assets.engine} cannot be run: ${message ?? 'not found?'}`))
		await bounded('the start of the engine', limit, async () => {
			unwrap(await ask('configure', [engineSettings(settings)]))
			await ask('connect', [port2], [port2])
		})
		worker.onerror = null
		watchPulse(
			() => asked('sleep', [0]),
			over.signal,
			() => end(new SpillwayError('worker-lost', 'the engine worker has not answered for 30 s')),
		)
		return {
			infer: lines.ask,
			begin: lines.begin,
			over: over.signal,
			ask,
			async stop(error) {
				over.abort(error)
				caller.close(error)
				// What does not end in order is ended by force.
				await Promise.race([asked('dispose', []), sleep(stopLimit)])
				end(error)
				await Promise.race([lock.then((name) => navigator.locks.request(name, () => {})), sleep(stopLimit)])
			},
		}
	} catch (thrown) {
		const failed = SpillwayError.from(thrown, 'environment', `${assets.engine} cannot be started: `)
		const error = signal.aborted ? signal.reason : failed.code === 'deadline-exceeded' ? late(assets.engine, runs) : failed
		end(error)
		throw error
	}
}

/** Who waits for a start has no deadline to lengthen. */
const late = (script: string, runs: boolean): SpillwayError =>
	runs
		? new SpillwayError(
				'environment',
				`the engine has not answered within ${startLimit / 1000} s: this device may be overloaded; close other tabs, or try again`,
			)
		: new SpillwayError('network', `${script} has not come within ${startLimit / 1000} s: check the network, and try again`)

const digests = { 'engine.js': 'sha256:engine.js' }

/** Where a worker can be started from with the script at `url`. */
async function startable(url: string, signal: AbortSignal): Promise<string> {
	if (!isForeign(url)) return url
	const script = await fetch(url, { credentials: 'omit', signal })
		.then((response) => {
			if (!response.ok) throw new Error(`status ${response.status}`)
			return response.arrayBuffer()
		})
		.catch((cause) => {
			throw new SpillwayError('network', `${url} cannot be fetched: ${messageOf(cause)}`, { cause })
		})
	await checkScript(url, new Uint8Array(script), digests)
	return inMemory(url, script)
}
