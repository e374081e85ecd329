// ONNX Runtime Web on a WebAssembly module that was compiled before: by the engine once for all its workers, or by workerd's loader.

import type { Env } from 'onnxruntime-common'
import type { Ort } from './ort.ts'

/**
 * Prepares `onnxruntime-web` to run on one thread from `module`; to be called before its first session is made.
 * ONNX Runtime takes its binary as bytes (onnxruntime pull request 21534) or by address, but not compiled: so the one
 * instantiation that follows is handed ours.
 *
 * @param env `ort.env` of the onnxruntime-web build that `module` belongs to.
 * @param module compiled `ort-wasm-simd-threaded.wasm`.
 */
export function useWasmModule(env: Env, module: WebAssembly.Module): void {
	env.wasm.numThreads = 1
	env.wasm.proxy = false
	// Not empty, or it would be fetched; never looked at.
	env.wasm.wasmBinary = new Uint8Array(1).buffer
	const { instantiate } = WebAssembly
	WebAssembly.instantiate = (async (_bytes: BufferSource, imports?: WebAssembly.Imports) => {
		WebAssembly.instantiate = instantiate
		return { module, instance: await instantiate(module, imports) }
	}) as unknown as typeof instantiate
}

/** An ONNX model of one Identity of one float. */
const smallest = 'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE='

/**
 * Starts ONNX Runtime before there is a model for it: it would start with its first session, so here is one.
 * Instantiating and setting up take a tenth of a second, which then goes on beside a download.
 */
export async function startOrt(ort: Ort): Promise<void> {
	const graph = Uint8Array.from(atob(smallest), (character) => character.charCodeAt(0))
	const session = await ort.InferenceSession.create(graph)
	await session.release()
}
