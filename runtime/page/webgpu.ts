// Spillway in a page, for applications that name `webgpu` or `webnn` among the providers: the same module, with the files for GPUs.

import { beside } from './beside.ts'
import type { Assets, RuntimeOptions } from './options.ts'
import { makeRuntime, type Runtime } from './runtime.ts'

export * from '../index.ts'

/** A bundler copies them all, 17 MB more than those of the module `spillway`; a page downloads what it uses. */
const withGpu: Assets = {
	...beside,
	gpu: {
		session: new URL('./gpu.js', import.meta.url).href,
		wasm: new URL('./ort-wasm-simd-threaded.jspi.wasm', import.meta.url).href,
	},
}

/**
 * As `createRuntime` of the module `spillway`.
 *
 * @throws SpillwayError `malformed`, as that.
 * @example const spillway = createRuntime({ edge: "https://edge.example.com", key: "pk_…", providers: ["wasm", "webgpu"] })
 */
export const createRuntime = (options: RuntimeOptions): Runtime => makeRuntime(options, withGpu)
