// Kinds of session workers that no worker is ever started of.

import { gpuBuild } from '../../runtime/device/gpu-build.ts'
import type { Kind } from '../../runtime/device/serving/kind.ts'

const graph = { file: 'graph.onnx', external: [], tolerance: { absolute: 1 } }
export const kind = (provider: Kind['provider'], threads = 1, workers = 1): Kind => ({
	variant: 'fp32',
	provider,
	graph,
	files: ['graph.onnx'],
	threads,
	workers,
	build: provider === 'wasm' ? 'wasm' : gpuBuild,
})
