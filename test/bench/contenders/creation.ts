// Bare ONNX Runtime Web makes a session of Spillway's own graph, everything in memory.

import { env, InferenceSession } from 'onnxruntime-web/wasm'

const bytes = async (address: string) => new Uint8Array(await (await fetch(address)).arrayBuffer())

/** Milliseconds. */
async function creation(): Promise<number> {
	const files = ['/ort/ort-wasm-simd-threaded.wasm', '/minilm/wasm.onnx', '/minilm/weights.bin'].map(bytes)
	const [wasm, graph, weights] = (await Promise.all(files)) as [Uint8Array<ArrayBuffer>, Uint8Array, Uint8Array]
	env.wasm.numThreads = 1
	env.wasm.wasmPaths = '/ort/'
	env.wasm.wasmBinary = wasm.buffer
	const start = performance.now()
	await InferenceSession.create(graph, { externalData: [{ path: 'weights.bin', data: weights }] })
	return performance.now() - start
}

declare global {
	interface Window {
		creation: typeof creation
	}
}
window.creation = creation
