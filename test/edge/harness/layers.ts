// A model of many chunks for tests of delivery: each layer is one. It is packed and published, never run.

import type { Description } from '../../../models/format/manifest.ts'
import { WeightsFile } from '../../../models/tools/onnx/external.ts'
import { GraphBuilder } from '../../../models/tools/onnx/graph.ts'
import { float32 } from '../../../models/tools/onnx/tensor.ts'
import { pixelDescription } from '../../runtime/tiny.ts'

const side = 128

/**
 * Source of the model `layers`.
 *
 * @param seeds one for each layer of 64 KiB; the same seed gives the same chunk.
 */
export function layers(version: string, seeds: readonly number[]): { description: Description; files: Record<string, Uint8Array> } {
	const weights = new WeightsFile('weights.bin')
	const graph = new GraphBuilder({ name: 'layers', opset: 20, weights })
	let last = graph.input('pixels', 'FP32', [1, 2, 3])
	for (const [at, seed] of seeds.entries()) {
		weights.append(`layer-${at}`, float32([side, side], noise(seed)))
		last = graph.node('Add', [last, graph.node('ReduceMean', [graph.weight(`layer-${at}`)], { keepdims: 0 })])
	}
	graph.output('brighter', last, 'FP32', [1, 2, 3])
	const description = { ...pixelDescription(version), model: 'layers' }
	for (const { graphs } of Object.values(description.variants))
		for (const one of Object.values(graphs)) Object.assign(one, { external: ['weights.bin'] })
	return { description, files: { 'graph.onnx': graph.build(), 'weights.bin': weights.bytes() } }
}

/** The same on every machine; too even to be packed much smaller. */
function noise(seed: number): Float32Array {
	let state = seed + 1
	return Float32Array.from({ length: side * side }, () => {
		state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5
		return (state >>> 8) / 2 ** 24
	})
}
