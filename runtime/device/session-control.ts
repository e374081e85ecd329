// What Comlink carries between the engine and its session workers: how they are started, configured and stopped.

import type { Manifest, Provider } from '../../models/format/manifest.ts'
import type { Verdict } from '../session/checked.ts'
import type { Outcome } from './control.ts'

export interface SessionHello {
	/** As `EngineHello.lock`. */
	lock: string
	/** What computes here, for remembering golden verdicts: ONNX Runtime's version and the browser's build. */
	build: string
}

export interface SessionSettings {
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	variant: string
	provider: Provider
	/** Transferred, as is the external data. */
	graph: Uint8Array<ArrayBuffer>
	external: { path: string; data: Uint8Array<ArrayBuffer> }[]
	/** What an earlier golden check found; without it the samples are run. */
	verdict: Verdict | undefined
}

/** A session worker's Comlink interface, for the engine. */
export interface SessionControl {
	/** First of all, once. */
	hello(): Promise<Outcome<SessionHello>>
	/** Starts ONNX Runtime. @param wasm `ort-wasm-simd-threaded.wasm`, compiled. */
	prepare(wasm: WebAssembly.Module): Promise<Outcome<void>>
	/** Loads the graph, after `prepare`, and checks it. A verdict that samples failed ends the session. */
	start(settings: SessionSettings): Promise<Outcome<Verdict>>
	/** Gives the worker a port for calls, after `start`. */
	connect(port: MessagePort): void
}
