// ONNX Runtime's WebAssembly: kept and verified like the bytes of a model, compiled once for all session workers.

import { messageOf, SpillwayError } from '../core/error.ts'
import { obtain } from '../store/immutable.ts'
import { onlyAt } from '../store/mirrors.ts'
import type { Storage } from '../store/storage/storage.ts'
import type { GpuBuild } from './gpu-build.ts'

/** ONNX Runtime's builds: `wasm` computes on processors alone, the others on GPUs, too. */
export type Build = 'wasm' | GpuBuild

/** The wasm files of the onnxruntime-web that is built into the session workers: no others will do. */
export const ortBuilds: Readonly<Record<Build, { file: string; digest: string; size: number }>> = {
	wasm: {
		file: 'ort-wasm-simd-threaded.wasm',
		digest: '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2',
		size: 14_239_897,
	},
	jspi: {
		file: 'ort-wasm-simd-threaded.jspi.wasm',
		digest: 'a54c76f86b0f0d9572380cf1c6292a7b3903716ffcbcd6b0e5c7050bf430eb93',
		size: 16_758_545,
	},
	asyncify: {
		file: 'ort-wasm-simd-threaded.asyncify.wasm',
		digest: '39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da',
		size: 26_781_914,
	},
}
export const ortWasm = ortBuilds.wasm

export interface Compiled {
	module: WebAssembly.Module
	/** Whether its bytes came from storage. */
	stored: boolean
}

/**
 * Streaming compilation would save nothing: the bytes arrive beside those of the model, which are more, and compiling takes a tenth of a second.
 *
 * @param url of the file.
 * @param build whose file it is. Default: `wasm`.
 * @throws SpillwayError `integrity` when it is that of another version, `environment` when it cannot be compiled, and those of `fetchBytes`.
 */
export async function compileWasm(url: string, { records, bytes }: Storage, signal: AbortSignal, build: Build = 'wasm'): Promise<Compiled> {
	const { digest, size } = ortBuilds[build]
	const found = await obtain({ digest, size, what: "ONNX Runtime's WebAssembly", storage: bytes, from: onlyAt(new URL(url)), signal })
	// That of the version before is of no use any more.
	const before = await records.get<string>(build)
	if (before !== digest) await records.set(build, digest)
	if (before !== undefined && before !== digest) await bytes.delete(before)
	try {
		return { module: await WebAssembly.compile(found.bytes), stored: found.stored }
	} catch (cause) {
		throw new SpillwayError('environment', `ONNX Runtime's WebAssembly cannot be compiled here: ${messageOf(cause)}`, { cause })
	}
}
