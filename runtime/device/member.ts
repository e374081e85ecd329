// One session worker as the engine sees it: from its start to its death.

import { type Remote, transfer, wrap } from 'comlink'
import { bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { mustPass, type Verdict } from '../session/checked.ts'
import { type Outcome, type SessionControl, type SessionSettings, unwrap } from './control.ts'
import { watchLifeline } from './lifeline.ts'
import { type Caller, callOver } from './port.ts'
import { spawn } from './spawn.ts'

/** A worker that answers calls. */
export interface Member {
	/** Settles when the worker has answered or is gone. */
	readonly ask: Caller['ask']
	/** Aborts, with a `SpillwayError` as its reason, when the worker has died or was ended. */
	readonly over: AbortSignal
	/** Ends the worker and gives its memory back; what is under way rejects with `error`. */
	end(error: SpillwayError): void
}

export interface MemberOptions {
	/** Address of the session worker's script. */
	script: string
	settings: Omit<SessionSettings, 'verdict'>
	/** Golden verdicts, by what computes. */
	recall(build: string): Promise<Verdict | undefined>
	remember(build: string, verdict: Verdict): Promise<void>
	signal: AbortSignal
}

/** Milliseconds that a worker may take to load its script, then a graph with its golden samples. */
const startLimit = 180_000

/**
 * Starts a session worker.
 *
 * @returns the worker, and whether its golden check was run or remembered.
 * @throws SpillwayError `golden-mismatch`, `environment` (the script cannot be loaded), `worker-lost` (it died on the way), `unsupported`, `aborted`.
 */
export async function startMember({
	script,
	settings,
	recall,
	remember,
	signal,
}: MemberOptions): Promise<{ member: Member; remembered: boolean }> {
	const worker = spawn(script, `spillway session ${settings.manifest.model}`)
	const over = new AbortController()
	const end = (error: SpillwayError) => {
		over.abort(error)
		worker.terminate()
	}
	worker.addEventListener('error', (event) =>
		end(new SpillwayError('environment', `${script} failed: ${event.message || 'the script cannot be loaded'}`)),
	)
	worker.addEventListener('messageerror', () => end(new SpillwayError('worker-lost', 'a message of the session worker could not be read')))
	const control = wrap<SessionControl>(worker)

	/** Comlink waits for ever for a worker that is gone. */
	const ask = <T>(question: (control: Remote<SessionControl>) => Promise<Outcome<T>>): Promise<T> =>
		bounded('the start of a session worker', { remaining: startLimit, signal: AbortSignal.any([signal, over.signal]) }, async () =>
			unwrap(await question(control)),
		)

	try {
		const { lock, build } = await ask((worker) => worker.hello())
		watchLifeline(lock, over.signal, () => end(new SpillwayError('worker-lost', 'the session worker ended')))
		const known = await recall(build)
		const buffers = [settings.graph.buffer, ...settings.external.map(({ data }) => data.buffer)]
		if (known) mustPass(known, settings)
		const verdict = await ask((worker) => worker.start(transfer({ ...settings, verdict: known }, buffers)))
		if (!known) await remember(build, verdict)
		mustPass(verdict, settings)
		const { port1, port2 } = new MessageChannel()
		const caller = callOver(port1, 'the session worker')
		over.signal.addEventListener('abort', () => caller.close(over.signal.reason))
		control.connect(transfer(port2, [port2]))
		return { member: { ask: caller.ask, over: over.signal, end }, remembered: known !== undefined }
	} catch (error) {
		// The reason why the worker is gone says more than that the start was broken off.
		const reason = over.signal.aborted ? over.signal.reason : error
		end(SpillwayError.from(reason, 'internal', `the session worker did not start: ${messageOf(reason)}`))
		throw reason
	}
}
