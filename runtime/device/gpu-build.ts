// Which of ONNX Runtime's builds for GPUs runs in this browser.

/** Waiting for a GPU in WebAssembly: by the engine itself (JSPI), or by code that unwinds and rewinds its own stack (asyncify), 10 MB more of it. */
export type GpuBuild = 'jspi' | 'asyncify'

/** The page and its workers find the same. */
export const gpuBuild: GpuBuild = 'Suspending' in (globalThis.WebAssembly ?? {}) ? 'jspi' : 'asyncify'
