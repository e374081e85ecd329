// The description of the model, `model.json`: what the packer makes a manifest from.

import { type Description, descriptionSchema, type Golden } from '../../format/manifest.ts'
import { weightsFile } from './assemble.ts'
import { type Evaluation, maxTokens } from './evaluate.ts'
import { tolerances } from './golden.ts'

/** What is known only once the model is built. */
export interface Built {
	/** SHA-256 of the fp32 model it was made from */
	readonly source: string
	readonly dimensions: number
	/** Rows of the word table. */
	readonly vocabulary: number
	/** how many */
	readonly calibrationTexts: number
	/** how many */
	readonly evaluationTexts: number
	readonly accuracy: Evaluation
	readonly golden: readonly Golden[]
}

/**
 * The description of one build.
 *
 * @throws ZodError if it does not fit the schema of descriptions
 */
export function describe(built: Built): Description {
	const external = [weightsFile]
	return descriptionSchema.parse({
		model: 'minilm',
		version: '1.0.0',
		description: 'Sentence embeddings, English, 384 dimensions, for search, clustering and classification.',
		license: 'Apache-2.0',
		source: {
			name: 'sentence-transformers/all-MiniLM-L6-v2 (model.onnx, fp32)',
			sha256: built.source,
			url: 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2',
		},
		calibration: `${built.calibrationTexts} sentences written for this repository (models/tools/minilm/calibration.txt)`,
		task: {
			kind: 'embed',
			tokenizer: 'tokenizer.json',
			maxTokens,
			dimensions: built.dimensions,
			inputs: { ids: 'input_ids', mask: 'attention_mask' },
			output: 'sentence_embedding',
			padId: 0,
		},
		inputs: [
			{ name: 'input_ids', datatype: 'INT64', shape: ['batch', 'tokens'], min: 0, max: built.vocabulary - 1 },
			{ name: 'attention_mask', datatype: 'INT64', shape: ['batch', 'tokens'], min: 0, max: 1 },
		],
		outputs: [{ name: 'sentence_embedding', datatype: 'FP32', shape: ['batch', built.dimensions] }],
		axes: { batch: {}, tokens: { max: maxTokens } },
		variants: {
			int8: {
				description: 'Weights int8 by column, smoothed; on wasm and cpu activations int8 by row, on webgpu float.',
				graphs: {
					wasm: { file: 'wasm.onnx', external, tolerance: tolerances.rowwise },
					cpu: { file: 'wasm.onnx', external, tolerance: tolerances.rowwise },
					webgpu: { file: 'webgpu.onnx', external, tolerance: tolerances.dequantized },
				},
				golden: built.golden,
				accuracy: {
					data: `${built.evaluationTexts} sentences (models/tools/minilm/evaluation.txt), against the fp32 model`,
					...flat(built.accuracy),
				},
			},
		},
	})
}

/** `{ cpu: { cosineMean } }` as `cpu.cosineMean`, four digits: the rest differs from processor to processor. */
function flat({ cpuToWasm, ...providers }: Evaluation): Record<string, number> {
	const figures = Object.entries(providers).flatMap(([provider, accuracy]) =>
		Object.entries(accuracy).map(([figure, value]) => [`${provider}.${figure}`, rounded(value as number)] as const),
	)
	return { ...Object.fromEntries(figures), cpuToWasm: rounded(cpuToWasm) }
}

function rounded(value: number): number {
	return Math.round(value * 1e4) / 1e4
}
