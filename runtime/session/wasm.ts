// ONNX Runtime Web on a WebAssembly module that was compiled before: by the engine once for all its workers, or by workerd's loader.

import type { Env } from 'onnxruntime-common'

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
