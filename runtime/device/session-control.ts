// What Comlink carries between the engine and its session workers: how they are started, configured and stopped.

import type { Manifest, Provider } from '../../models/format/manifest.ts'
import type { WireError } from '../core/error.ts'
import type { Verdict } from '../session/checked.ts'
import type { Outcome } from './control.ts'

export interface SessionHello {
	/** The worker's `protocolVersion`. */
	protocol: string
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
	/**
	 * Starts ONNX Runtime.
	 *
	 * @param wasm the build's wasm, compiled.
	 * @param threads with which it should compute.
	 * @param most bytes that its WebAssembly memory may grow to.
	 * @returns the threads with which it does, and the bytes of its WebAssembly memory.
	 */
	prepare(wasm: WebAssembly.Module, threads: number, most: number): Promise<Outcome<{ threads: number; memory: number }>>
	/** Loads the graph, after `prepare`, and checks it. A verdict that samples failed ends the session. */
	start(settings: SessionSettings): Promise<Outcome<{ verdict: Verdict; memory: number }>>
	/** Gives the worker the engine's port for calls, after `start`. */
	connect(port: MessagePort): void
	/**
	 * Gives it a page's port, too, for calls of the task: the engine asks for the same, and gets what the page got.
	 *
	 * @param tokenizer the file's bytes.
	 */
	lay(port: MessagePort, tokenizer: Uint8Array<ArrayBuffer>): void
}

/** What a session worker tells by itself, beside Comlink's messages. */
export type SessionTold =
	/** Its WebAssembly memory has grown, to so many bytes. */
	| { type: 'memory'; bytes: number }
	/** It cannot go on, and is to be ended. The call that it was at gets no answer of it. */
	| { type: 'gone'; error: WireError }
