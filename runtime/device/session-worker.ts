// The session worker: ONNX Runtime Web with one model in it. It blocks while it computes; the engine decides what comes next.

import { expose } from 'comlink'
import * as ort from 'onnxruntime-web/wasm'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import { judge, type Verdict } from '../session/checked.ts'
import { createSession } from '../session/session.ts'
import { startOrt, useWasmModule } from '../session/wasm.ts'
import { outcomeOf } from './control.ts'
import { holdLifeline } from './lifeline.ts'
import { answerOver } from './port.ts'
import type { SessionControl, SessionSettings } from './session-control.ts'

let session: Executor | undefined

const control: SessionControl = {
	hello: () => outcomeOf(async () => ({ lock: await holdLifeline('session'), build: await build() })),
	prepare: (wasm) => outcomeOf(() => prepare(wasm)),
	start: (settings) => outcomeOf(() => start(settings)),
	connect(port) {
		answerOver(port, async (call, context) => {
			if (!session) throw new SpillwayError('internal', 'the session worker was not started')
			try {
				return await session.infer(call, context)
			} finally {
				// A wasm instance that trapped answers nothing any more: the engine starts another worker.
				if (session.estimate(call).reason === 'unhealthy') self.close()
			}
		})
	},
}

async function prepare(wasm: WebAssembly.Module): Promise<void> {
	useWasmModule(ort.env, wasm)
	try {
		await startOrt(ort)
	} catch (cause) {
		throw new SpillwayError('environment', `ONNX Runtime does not start here: ${messageOf(cause)}`, { cause })
	}
}

async function start({ manifest, digest, variant, provider, graph, external, verdict }: SessionSettings): Promise<Verdict> {
	const made = await createSession({ ort, graph, external, manifest, digest, variant, provider, name: 'device' })
	const found = verdict ?? (await judge(made, { manifest, variant, provider }))
	if (found.reason === null) session = made
	else await made.dispose()
	return found
}

/** The user agent says less than it could (its minor versions are zeros): where the browser tells more, that counts. */
async function build(): Promise<string> {
	const { userAgentData } = navigator as { userAgentData?: { getHighEntropyValues(hints: string[]): Promise<Record<string, unknown>> } }
	const exact = await userAgentData
		?.getHighEntropyValues(['fullVersionList', 'architecture', 'bitness', 'platformVersion'])
		.catch(() => undefined)
	return `onnxruntime-web ${ort.env.versions.web} ${exact ? JSON.stringify(exact) : navigator.userAgent}`
}

// Whatever is thrown outside of a call leaves the worker in an unknown state: better none.
self.addEventListener('error', () => self.close())
self.addEventListener('unhandledrejection', () => self.close())
expose(control)
