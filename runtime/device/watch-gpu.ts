// A GPU's device can be lost at any time: its driver crashes, the browser's GPU process does, the adapter is unplugged.

import type { Env } from 'onnxruntime-common'
import { SpillwayError } from '../core/error.ts'
import type { ServeSessionOptions } from './serve-session.ts'

/** ONNX Runtime goes on with a lost device, and answers with errors or zeros, or not at all: so its worker ends instead. */
export const watchGpu =
	({ webgpu }: Env): ServeSessionOptions['watch'] =>
	async ({ provider }, lost) => {
		if (provider !== 'webgpu') return
		const device = (await webgpu.device) as GPUDevice
		device.lost.then(({ reason, message }) => lost(new SpillwayError('worker-lost', `the GPU's device was lost (${reason}): ${message}`)))
	}
