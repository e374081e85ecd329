// Spillway in a page, for applications that name `webgpu` or `webnn` among the providers: the same module, with the files for GPUs.

import { gpuBuild } from '../device/gpu-build.ts'
import { beside } from './beside.ts'
import type { Assets, RuntimeOptions } from './options.ts'
import { makeRuntime, type Runtime } from './runtime.ts'

export * from '../index.ts'

/** A bundler copies them all, 44 MB more than those of the module `spillway`; a page downloads those of one build, when it tries a GPU. */
const builds = () => ({
	jspi: {
		session: new URL('./gpu-jspi.js', import.meta.url).href,
		wasm: new URL('./ort-wasm-simd-threaded.jspi.wasm', import.meta.url).href,
	},
	asyncify: {
		session: new URL('./gpu-asyncify.js', import.meta.url).href,
		wasm: new URL('./ort-wasm-simd-threaded.asyncify.wasm', import.meta.url).href,
	},
})

const withGpu = (): Assets => ({ ...beside(), gpu: builds()[gpuBuild] })

/**
 * As `createRuntime` of the module `spillway`.
 *
 * @throws SpillwayError `malformed`, as that.
 * @example const spillway = createRuntime({ edge: "https://edge.example.com", key: "pk_…", providers: ["wasm", "webgpu"] })
 */
export const createRuntime = (options: RuntimeOptions): Runtime => makeRuntime(options, withGpu)
