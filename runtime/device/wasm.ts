// ONNX Runtime's WebAssembly: kept and verified like the bytes of a model, compiled once for all session workers.

import { messageOf, SpillwayError } from '../core/error.ts'
import { obtain } from '../store/immutable.ts'
import type { Storage } from '../store/storage.ts'

/** `ort-wasm-simd-threaded.wasm` of the onnxruntime-web that is built into the session worker: no other will do. */
export const ortWasm = { digest: '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2', size: 14_239_897 }

export interface Compiled {
	module: WebAssembly.Module
	/** Whether its bytes came from storage. */
	stored: boolean
}

/**
 * Streaming compilation would save nothing: the bytes arrive beside those of the model, which are more, and compiling takes a tenth of a second.
 *
 * @param url of the file.
 * @throws SpillwayError `integrity` when it is that of another version, `environment` when it cannot be compiled, and those of `fetchBytes`.
 */
export async function compileWasm(url: string, { records, bytes }: Storage, signal: AbortSignal): Promise<Compiled> {
	const found = await obtain({ ...ortWasm, what: "ONNX Runtime's WebAssembly", storage: bytes, url: new URL(url), signal })
	// That of the version before is of no use any more.
	const before = await records.get<string>('wasm')
	if (before !== ortWasm.digest) await records.set('wasm', ortWasm.digest)
	if (before !== undefined && before !== ortWasm.digest) await bytes.delete(before)
	try {
		return { module: await WebAssembly.compile(found.bytes), stored: found.stored }
	} catch (cause) {
		throw new SpillwayError('environment', `ONNX Runtime's WebAssembly cannot be compiled here: ${messageOf(cause)}`, { cause })
	}
}
