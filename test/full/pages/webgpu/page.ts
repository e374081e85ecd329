// Starts the worker with the model, and hands it to the test.

import { type Remote, wrap } from 'comlink'
import type { WebgpuModel } from './worker.ts'

declare global {
	interface Window {
		webgpu: Remote<WebgpuModel>
	}
}

window.webgpu = wrap<WebgpuModel>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }))
