// A model whose answers tell its version: four numbers, times its factor.

import type { Description } from '../../../models/format/manifest.ts'
import { toTensorData } from '../../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../../models/tools/onnx/graph.ts'
import { float32 } from '../../../models/tools/onnx/tensor.ts'
import { tensor } from '../../../runtime/core/tensor.ts'

export interface ScaledOptions {
	model: string
	version?: string
	/** What the numbers are multiplied by. */
	factor?: number
	/** What the golden sample says that they are multiplied by. */
	promised?: number
	/** Bytes that the graph is filled up to. */
	size?: number
}

/** @returns a source for `packModels`. */
export function scaled({ model, version = '1.0.0', factor = 1, promised = factor, size = 0 }: ScaledOptions): {
	description: Description
	files: Record<string, Uint8Array>
} {
	const builder = new GraphBuilder({ name: 'scaled', opset: 20 })
	const x = builder.input('x', 'FP32', [1, 4])
	// What is added is nothing; it takes up room.
	const ballast = builder.constant('ballast', float32([size >> 2 || 1], new Float32Array(size >> 2 || 1)))
	const nothing = builder.node('ReduceSum', [ballast], { keepdims: 0 })
	const product = builder.node('Mul', [x, builder.constant('factor', float32([1], [factor]))])
	builder.output('y', builder.node('Add', [product, nothing]), 'FP32', [1, 4])
	const graph = { file: 'graph.onnx', external: [], tolerance: { absolute: 1e-4 } }
	const numbers = (by: number) => toTensorData(tensor('FP32', [1, 4], Float32Array.of(by, 2 * by, 3 * by, 4 * by)))
	return {
		files: { 'graph.onnx': builder.build() },
		description: {
			model,
			version,
			description: 'Four numbers, multiplied, for tests.',
			license: 'Apache-2.0',
			source: { name: 'made by the tests' },
			calibration: 'none',
			task: null,
			inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4] }],
			outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4] }],
			axes: {},
			variants: {
				fp32: {
					description: 'as made',
					graphs: { wasm: graph, cpu: graph },
					golden: [{ name: 'one to four', inputs: { x: numbers(1) }, outputs: { y: numbers(promised) } }],
					accuracy: {},
				},
			},
		},
	}
}
