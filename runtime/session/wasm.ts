// ONNX Runtime Web on a WebAssembly module that was compiled before: by the engine once for all its workers, or by workerd's loader.

import type { Env } from 'onnxruntime-common'
import type { Ort } from './ort.ts'

/** Bytes of one page of WebAssembly memory. */
const pageSize = 65_536

/** The WebAssembly memory that ONNX Runtime works in. */
export interface WasmMemory {
	/** Its size now, in bytes; 0 before the first session. It grows and never shrinks. */
	readonly bytes: number
}

/**
 * Prepares `onnxruntime-web` to run from `module`; to be called before its first session is made.
 * ONNX Runtime takes its binary as bytes (onnxruntime pull request 21534) or by address, but not compiled: so the one
 * instantiation that follows is handed ours.
 *
 * @param env `ort.env` of the onnxruntime-web build that `module` belongs to.
 * @param module the build's compiled wasm.
 * @param threads including the calling one. More than one needs a browser's worker, cross-origin isolated, and ONNX Runtime's script at an
 * address from which workers can be started. Default: 1.
 * @param most bytes that its memory may grow to: what needs more fails with an error, and what needs less goes on. Default: 4 GiB.
 */
export function useWasmModule(env: Env, module: WebAssembly.Module, threads = 1, most = Number.POSITIVE_INFINITY): WasmMemory {
	env.wasm.numThreads = threads
	env.wasm.proxy = false
	// Not empty, or it would be fetched; never looked at.
	env.wasm.wasmBinary = new Uint8Array(1).buffer
	let memory: WebAssembly.Memory | undefined
	const { instantiate, Memory } = WebAssembly
	// ONNX Runtime makes its memory itself, just before, and would let it grow to 4 GiB.
	if (most < Number.POSITIVE_INFINITY)
		WebAssembly.Memory = class extends Memory {
			constructor({ initial, maximum = Number.POSITIVE_INFINITY, ...rest }: WebAssembly.MemoryDescriptor) {
				super({ ...rest, initial, maximum: Math.max(initial, Math.min(maximum, Math.floor(most / pageSize))) })
			}
		}
	WebAssembly.instantiate = (async (_bytes: BufferSource, imports: WebAssembly.Imports = {}) => {
		Object.assign(WebAssembly, { instantiate, Memory })
		memory = Object.values(imports)
			.flatMap((names) => Object.values(names))
			.find((value) => value instanceof Memory)
		return { module, instance: await instantiate(module, imports) }
	}) as unknown as typeof instantiate
	return {
		get bytes() {
			return memory?.buffer.byteLength ?? 0
		},
	}
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
