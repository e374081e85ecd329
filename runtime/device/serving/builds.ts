// ONNX Runtime's builds: a script for the worker, and its wasm, compiled once for all workers.

import type { Storage } from '../../store/storage.ts'
import type { EngineSettings } from '../control.ts'
import { type Build, type Compiled, compileWasm } from '../wasm.ts'

export interface OrtBuild {
	/** Address of the session worker's script. */
	readonly script: string
	/** The wasm, from storage or over the network. A failure is not kept: the next who asks tries anew. */
	compiled(): Promise<Compiled>
}

export interface Builds {
	readonly wasm: OrtBuild
	/** Absent where the page does not know its files. */
	readonly jspi?: OrtBuild | undefined
}

/** @param signal ends downloads. */
export function buildsOf({ session, wasm, gpu }: EngineSettings['assets'], storage: Storage, signal: AbortSignal): Builds {
	const build = (script: string, url: string, name: Build): OrtBuild => {
		let compiled: Promise<Compiled> | undefined
		return {
			script,
			compiled() {
				compiled ??= compileWasm(url, storage, signal, name).catch((error) => {
					compiled = undefined
					throw error
				})
				return compiled
			},
		}
	}
	return { wasm: build(session, wasm, 'wasm'), jspi: gpu && build(gpu.session, gpu.wasm, 'jspi') }
}
