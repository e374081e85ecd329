// The files beside a built module: what it is built into stands in the same folder.

import type { Assets } from './options.ts'

/** Bundlers recognise this form, and copy the files. Asked for when there are no `assets`: where there is no `import.meta.url`, they are needed. */
export const beside = (): Assets => ({
	edge: new URL('./edge.js', import.meta.url).href,
	engine: new URL('./engine.js', import.meta.url).href,
	session: new URL('./session.js', import.meta.url).href,
	start: new URL('./start.js', import.meta.url).href,
	tabs: new URL('./tabs.js', import.meta.url).href,
	telemetry: new URL('./telemetry.js', import.meta.url).href,
	wasm: new URL('./ort-wasm-simd-threaded.wasm', import.meta.url).href,
})
