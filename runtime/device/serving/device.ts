// What this device has, as far as it decides which kinds of session workers there can be.

import { browserBuild } from '../browser-build.ts'
import type { Tuning } from '../control.ts'
import { gpuBuild } from '../gpu-build.ts'
import { ortBuilds } from '../wasm.ts'
import { type Adapter, findAdapter } from './adapter.ts'
import type { Builds } from './builds.ts'
import type { Device } from './kind.ts'

/** Known at once. */
export const processors = (): Pick<Device, 'cores' | 'threads'> => ({
	cores: Math.max(1, navigator.hardwareConcurrency || 1),
	threads: globalThis.crossOriginIsolated === true,
})

/** A GPU is asked for only when the application has named WebGPU: that alone may start the browser's GPU process. */
export async function findDevice({ providers = [] }: Tuning, builds: Builds): Promise<Device> {
	const noGpuBuild = whyNoGpuBuild(builds)
	const gpu = providers.includes('webgpu') && noGpuBuild === null ? await findAdapter() : null
	return { ...processors(), noGpuBuild, gpu, webnn: 'ml' in navigator }
}

const whyNoGpuBuild = (builds: Builds): string | null =>
	builds[gpuBuild] ? null : 'its files are not known: import from "spillway/webgpu", or give `assets`'

/** What figures hold for, apart from the GPU: another browser, another build of ONNX Runtime, other processors have others. */
export async function subjectOf({ cores, threads }: Device): Promise<string> {
	const ort = Object.values(ortBuilds).map(({ digest }) => digest.slice(0, 16))
	return JSON.stringify({ browser: await browserBuild(), ort, cores, threads })
}

export const adapterName = (adapter: Adapter | null): string => JSON.stringify(adapter)
