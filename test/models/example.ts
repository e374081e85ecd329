// A small manifest with every part that a manifest can have; tests change it to see what is refused.

import type { Description, Manifest } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { tensor } from '../../runtime/core/tensor.ts'

const digest = (letter: string) => letter.repeat(64)

export function exampleDescription(): Description {
	const graph = { file: 'graph.onnx', external: ['weights.bin'], tolerance: { cosine: 0.98 } }
	return {
		model: 'example',
		version: '1.2.3',
		description: 'for tests',
		license: 'Apache-2.0',
		source: { name: 'nowhere' },
		calibration: 'none',
		task: {
			kind: 'embed',
			tokenizer: 'tokenizer.json',
			maxTokens: 16,
			dimensions: 2,
			inputs: { ids: 'ids', mask: 'mask' },
			output: 'vectors',
			padId: 0,
		},
		inputs: [
			{ name: 'ids', datatype: 'INT64', shape: ['batch', 'tokens'] },
			{ name: 'mask', datatype: 'INT64', shape: ['batch', 'tokens'] },
		],
		outputs: [{ name: 'vectors', datatype: 'FP32', shape: ['batch', 2] }],
		axes: { batch: { max: 8 }, tokens: { max: 16 } },
		variants: {
			int8: {
				description: 'small',
				graphs: { wasm: graph },
				golden: [
					{
						name: 'two rows',
						inputs: {
							ids: toTensorData(tensor('INT64', [2, 3], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n))),
							mask: toTensorData(tensor('INT64', [2, 3], BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 0n))),
						},
						outputs: { vectors: toTensorData(tensor('FP32', [2, 2], Float32Array.of(1, 0, 0.6, 0.8))) },
					},
				],
				accuracy: { 'cosine to fp32, mean': 0.999 },
			},
		},
	}
}

export function exampleManifest(): Manifest {
	return {
		...exampleDescription(),
		format: 'spillway-manifest/1',
		files: {
			'graph.onnx': { size: 3, digest: digest('a'), chunks: [{ digest: digest('a'), size: 3 }] },
			'weights.bin': {
				size: 30,
				digest: digest('b'),
				chunks: [
					{ digest: digest('c'), size: 10 },
					{ digest: digest('d'), size: 20 },
				],
			},
			'tokenizer.json': { size: 5, digest: digest('e'), chunks: [{ digest: digest('e'), size: 5 }] },
		},
	}
}
