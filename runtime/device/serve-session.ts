// What a session worker does, whatever build of ONNX Runtime is in it. It blocks while it computes; the engine decides what comes next.

import { expose } from 'comlink'
import type { Env } from 'onnxruntime-common'
import type { Manifest } from '../../models/format/manifest.ts'
import type { Answer, Call } from '../core/call.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { isOutOfMemory } from '../core/memory.ts'
import { judge, type Verdict } from '../session/checked.ts'
import type { Ort } from '../session/ort.ts'
import { createSession, type Session } from '../session/session.ts'
import { startOrt, useWasmModule, type WasmMemory } from '../session/wasm.ts'
import { createTokenizer } from '../tasks/tokenizer.ts'
import { browserBuild } from './browser-build.ts'
import { outcomeOf } from './control.ts'
import { holdLifeline } from './lifeline.ts'
import { onceOver } from './once.ts'
import { oneText } from './one-text.ts'
import { answerOver } from './port.ts'
import { protocolVersion } from './protocol.ts'
import type { SessionControl, SessionSettings, SessionTold } from './session-control.ts'

export interface ServeSessionOptions {
	/** A build of onnxruntime-web. */
	ort: Ort & { env: Env }
	/** Its name, part of what golden verdicts are remembered under, e.g. `onnxruntime-web`. */
	build: string
	/**
	 * Watches what the session depends on, once it is loaded: a GPU's device, …
	 *
	 * @param lost to be called when that is gone: the worker ends, its call is answered by another.
	 */
	watch?: ((settings: SessionSettings, lost: (error: SpillwayError) => void) => void | Promise<void>) | undefined
}

/** Milliseconds within which the engine ends a worker that says it cannot go on; after that it ends itself. */
const farewell = 1000

/**
 * Makes this worker a session worker. ONNX Runtime starts its threads from the same script: those are left alone.
 *
 * @example import * as ort from 'onnxruntime-web/wasm'
 * serveSession({ ort, build: 'onnxruntime-web' })
 */
export function serveSession({ ort, build, watch }: ServeSessionOptions): void {
	if (self.name.startsWith('em-pthread')) return
	let session: Session | undefined
	let task: Manifest['task'] = null
	let memory: WasmMemory | undefined
	let leaving = false

	const control: SessionControl = {
		hello: () =>
			outcomeOf(async () => ({
				protocol: protocolVersion,
				lock: await holdLifeline('session'),
				build: `${build} ${ort.env.versions.web} ${await browserBuild()}`,
			})),
		prepare: (wasm, threads, most) =>
			outcomeOf(async () => {
				memory = useWasmModule(ort.env, wasm, threads, most)
				try {
					await startOrt(ort)
				} catch (cause) {
					throw new SpillwayError(
						isOutOfMemory(cause) ? 'out-of-memory' : 'environment',
						`ONNX Runtime does not start here: ${messageOf(cause)}`,
						{ cause },
					)
				}
				// It lowers what it cannot have.
				return { threads: ort.env.wasm.numThreads ?? 1, memory: memory.bytes }
			}),
		start: (settings) =>
			outcomeOf(async () => {
				const verdict = await start(settings)
				return { verdict, memory: memory?.bytes ?? 0 }
			}),
		connect(port) {
			answerOver(port, twice.again)
		},
		lay(port, file) {
			if (task) answerOver(port, oneText(task, createTokenizer(file, task.maxTokens), twice.first))
		},
	}

	async function start(settings: SessionSettings): Promise<Verdict> {
		const { verdict, ...options } = settings
		const made = await createSession({ ...options, ort, name: 'device' })
		const found = verdict ?? (await judge(made, settings))
		if (found.reason === null) {
			session = made
			task = settings.manifest.task
			await watch?.(settings, leave)
		} else await made.dispose()
		return found
	}

	let told = 0
	async function attended(call: Call, infer: (session: Session) => Promise<Answer>): Promise<Answer> {
		if (!session) throw new SpillwayError('internal', 'the session worker was not started')
		try {
			return await infer(session)
		} catch (error) {
			// A wasm instance that trapped answers nothing any more. Nor is this call's error its own: it is run again elsewhere.
			if (session.estimate(call).reason === 'unhealthy') leave(SpillwayError.from(error))
			if (leaving) await new Promise<never>(() => {})
			throw error
		} finally {
			const bytes = memory?.bytes ?? 0
			if (bytes > told) tell({ type: 'memory', bytes })
			told = bytes
		}
	}

	const twice = onceOver(
		(call) => attended(call, (session) => session.run(call)),
		(call, context) => attended(call, (session) => session.infer(call, context)),
	)

	/** The engine ends the worker, and starts another. */
	function leave(error: SpillwayError): void {
		if (leaving) return
		leaving = true
		tell({ type: 'gone', error: error.toWire() })
		setTimeout(() => self.close(), farewell)
	}

	function tell(message: SessionTold): void {
		self.postMessage(message)
	}

	// Whatever is thrown outside of a call leaves the worker in an unknown state: better none.
	self.addEventListener('error', ({ message }) => leave(new SpillwayError('worker-lost', `the session worker failed: ${message}`)))
	self.addEventListener('unhandledrejection', ({ reason }) =>
		leave(new SpillwayError('worker-lost', `the session worker failed: ${messageOf(reason)}`)),
	)
	expose(control)
}
