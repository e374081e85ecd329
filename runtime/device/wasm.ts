// ONNX Runtime's WebAssembly, compiled once for all session workers, while it streams in.

import { messageOf, SpillwayError } from '../core/error.ts'
import { fetchBytes } from '../store/fetch.ts'

/** Milliseconds for the streamed try, which has no other guard against a connection that stands still. */
const streamLimit = 180_000

/** @throws SpillwayError `environment` when it cannot be compiled, and those of `fetchBytes`. */
export async function compileWasm(url: string, signal: AbortSignal): Promise<WebAssembly.Module> {
	try {
		// Streamed, the browser may also keep the machine code for the next visit.
		return await WebAssembly.compileStreaming(
			fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(streamLimit)]), credentials: 'omit' }),
		)
	} catch {
		// Not served as application/wasm, broken off, or not there: this way retries, and tells which.
	}
	const { bytes, type } = await fetchBytes(new URL(url), { what: "ONNX Runtime's WebAssembly", signal })
	try {
		return await WebAssembly.compile(bytes)
	} catch (cause) {
		throw new SpillwayError('environment', `${url} (${type}) cannot be compiled: ${messageOf(cause)}`, { cause })
	}
}
