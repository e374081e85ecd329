// ONNX Runtime's builds: a script for the worker, and its wasm, compiled once for all workers.

import { fetchBytes } from '../../store/fetch.ts'
import type { Storage } from '../../store/storage/storage.ts'
import type { EngineSettings } from '../control.ts'
import { type GpuBuild, gpuBuild } from '../gpu-build.ts'
import { checkScript, type Digests, inMemory, isForeign, spawn } from '../spawn.ts'
import { type Build, type Compiled, compileWasm, isStored } from '../wasm.ts'

export interface OrtBuild {
	/** Address from which session workers can be started, and their threads. */
	script(): Promise<string>
	/** The wasm, from storage or over the network. A failure is not kept: the next who asks tries anew. */
	compiled(): Promise<Compiled>
	/** Whether it is compiled or stored, so that nothing is downloaded for it. */
	isHere(): Promise<boolean>
}

/** That for GPUs is absent where the page does not know its files. */
export type Builds = { readonly wasm: OrtBuild } & { readonly [build in GpuBuild]?: OrtBuild }

export interface BuildsOptions extends Pick<EngineSettings, 'assets' | 'quiet'> {
	storage: Storage
	/** Ends downloads. */
	signal: AbortSignal
}

export function buildsOf({ assets, quiet, storage, signal }: BuildsOptions): Builds {
	const build = (script: string, wasm: string, name: Build): OrtBuild => {
		let done = false
		return {
			script: once(() => startable(script, quiet, signal)),
			compiled: once(async () => {
				const compiled = await compileWasm(wasm, storage, signal, name)
				done = true
				return compiled
			}),
			isHere: async () => done || isStored(storage, name),
		}
	}
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

const digests: Digests = {
	'session.js': 'sha256:session.js',
	'gpu-jspi.js': 'sha256:gpu-jspi.js',
	'gpu-asyncify.js': 'sha256:gpu-asyncify.js',
}

/**
 * A script of another origin is fetched once, checked, and run from memory; so is the page's own under `quiet`: a browser may ask the network for a
 * script whenever a worker is started, and such a page must not. Where its policy forbids workers from memory, its own script's address stays.
 */
async function startable(script: string, quiet: boolean, signal: AbortSignal): Promise<string> {
	const foreign = isForeign(script)
	if (!foreign && !quiet) return script
	const fetching = fetchBytes(new URL(script), { what: 'the script of the session workers', signal })
	fetching.catch(() => {})
	if (!foreign && !(await memoryAllowed())) return script
	const { bytes } = await fetching
	if (foreign) await checkScript(script, bytes, digests)
	return inMemory(script, bytes)
}

/** Whether the page's content security policy allows workers from addresses in memory. */
function memoryAllowed(): Promise<boolean> {
	const address = inMemory('', 'postMessage(0)')
	return new Promise<boolean>((resolve) => {
		const worker = spawn(address, 'spillway')
		const settle = (can: boolean) => {
			worker.terminate()
			URL.revokeObjectURL(address)
			resolve(can)
		}
		worker.onmessage = () => settle(true)
		worker.onerror = () => settle(false)
	}).catch(() => false)
}
