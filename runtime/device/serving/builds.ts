// ONNX Runtime's builds: a script for the worker, and its wasm, compiled once for all workers.

import { fetchBytes } from '../../store/fetch.ts'
import type { Storage } from '../../store/storage/storage.ts'
import type { EngineSettings } from '../control.ts'
import { type GpuBuild, gpuBuild } from '../gpu-build.ts'
import { type Build, type Compiled, compileWasm } from '../wasm.ts'

export interface OrtBuild {
	/** Address of the session worker's script. */
	script(): Promise<string>
	/** The wasm, from storage or over the network. A failure is not kept: the next who asks tries anew. */
	compiled(): Promise<Compiled>
}

/** That for GPUs is absent where the page does not know its files. */
export type Builds = { readonly wasm: OrtBuild } & { readonly [build in GpuBuild]?: OrtBuild }

export interface BuildsOptions extends Pick<EngineSettings, 'assets' | 'quiet'> {
	storage: Storage
	/** Ends downloads. */
	signal: AbortSignal
}

export function buildsOf({ assets, quiet, storage, signal }: BuildsOptions): Builds {
	const build = (script: string, wasm: string, name: Build): OrtBuild => ({
		script: quiet ? once(() => keep(script, signal)) : async () => script,
		compiled: once(() => compileWasm(wasm, storage, signal, name)),
	})
	const { session, wasm, gpu } = assets
	return { wasm: build(session, wasm, 'wasm'), ...(gpu && { [gpuBuild]: build(gpu.session, gpu.wasm, gpuBuild) }) }
}

/** Does the work when it is first asked for, and again after it failed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
	let done: Promise<T> | undefined
	return () => {
		done ??= work().catch((error) => {
			done = undefined
			throw error
		})
		return done
	}
}

/**
 * An address in memory: a browser may ask the network for a script whenever a worker is started, and this page must not.
 * Where the page's policy forbids workers from such addresses, its own stays.
 */
async function keep(script: string, signal: AbortSignal): Promise<string> {
	if (!(await canStart())) return script
	const { bytes } = await fetchBytes(new URL(script), { what: 'the script of the session workers', signal })
	const address = URL.createObjectURL(new Blob([bytes], { type: 'text/javascript' }))
	// The name is for developer tools.
	return `${address}#${script.slice(script.lastIndexOf('/') + 1)}`
}

/** Whether the page's content security policy allows workers from addresses in memory. */
function canStart(): Promise<boolean> {
	const address = URL.createObjectURL(new Blob(['postMessage(0)'], { type: 'text/javascript' }))
	return new Promise<boolean>((resolve) => {
		const worker = new Worker(address, { type: 'module' })
		const settle = (can: boolean) => {
			worker.terminate()
			URL.revokeObjectURL(address)
			resolve(can)
		}
		worker.onmessage = () => settle(true)
		worker.onerror = () => settle(false)
	}).catch(() => false)
}
