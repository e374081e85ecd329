// ONNX Runtime's WebAssembly: kept and verified like the bytes of a model, compiled once for all session workers.

import { checkDigest } from '../../models/format/digest.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { obtain } from '../store/immutable.ts'
import { onlyAt } from '../store/mirrors.ts'
import { persistent } from '../store/patience.ts'
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

/** Whether a build's bytes are in storage, as they are after the first load: then none are downloaded. */
export const isStored = async ({ bytes }: Pick<Storage, 'bytes'>, build: Build): Promise<boolean> =>
	(await bytes.keys()).includes(ortBuilds[build].digest)

/**
 * The bytes are compiled while they come, and the module is handed out when their digest is known to be right.
 *
 * @param url of the file.
 * @param build whose file it is. Default: `wasm`.
 * @throws SpillwayError `integrity` when it is that of another version, `environment` when it cannot be compiled, and those of `obtain`.
 */
export async function compileWasm(
	url: string,
	{ versions, bytes }: Storage,
	signal: AbortSignal,
	build: Build = 'wasm',
): Promise<Compiled> {
	const wanted = { ...ortBuilds[build], what: "ONNX Runtime's WebAssembly" }
	const { digest } = wanted
	// That of the version before is of no use any more.
	const before = await versions.keep(build, digest)
	const again = before === digest && (await compileAgain(new URL(url), wanted))
	if (again) return { module: again, stored: true }
	let streaming: Promise<WebAssembly.Module | undefined> | undefined
	const found = await obtain({
		...wanted,
		storage: bytes,
		from: onlyAt(new URL(url)),
		patience: persistent,
		signal,
		onResponse(response) {
			streaming = compileStreaming(response)
		},
	})
	try {
		return { module: (await streaming) ?? (await WebAssembly.compile(found.bytes)), stored: found.stored }
	} catch (cause) {
		throw new SpillwayError('environment', `ONNX Runtime's WebAssembly cannot be compiled here: ${messageOf(cause)}`, { cause })
	}
}

/**
 * From the browser's own cache, where it still is there: with it the browser keeps the machine code that it has made, and the first vector comes
 * 300 ms sooner (Chromium 156). What is kept in storage has no machine code.
 *
 * @returns nothing where the cache lacks it, or has something else.
 */
async function compileAgain(url: URL, wanted: { what: string; digest: string; size: number }): Promise<WebAssembly.Module | undefined> {
	// Asking the cache alone is allowed for the own origin only.
	if (url.origin !== self.origin) return undefined
	try {
		const response = await fetch(url, { cache: 'only-if-cached', mode: 'same-origin', credentials: 'omit' })
		if (!response.ok) return undefined
		const compiling = compileStreaming(response)
		await checkDigest(wanted.what, new Uint8Array(await response.arrayBuffer()), wanted)
		return await compiling
	} catch {
		return undefined
	}
}

/** @returns nothing where that fails: its type is not `application/wasm`, it breaks off, it is no WebAssembly. */
const compileStreaming = (response: Response): Promise<WebAssembly.Module | undefined> =>
	WebAssembly.compileStreaming(response.clone()).catch(() => undefined)
