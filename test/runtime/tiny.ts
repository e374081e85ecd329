// Two tiny models for the tests of sessions, tasks and delivery: one of texts, one of fixed size that is not.

import { canonicalBytes } from '../../models/format/canonical.ts'
import { digestOf } from '../../models/format/digest.ts'
import type { Description, Manifest } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { float32, int64 } from '../../models/tools/onnx/tensor.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'

/** Words of the tiny vocabulary, after [PAD], [UNK], [CLS] and [SEP]. */
const words = ['hello', 'world', 'how', 'are', 'you', 'red', 'green', 'blue', '##s', '!']
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...words]
export const dimensions = 4

/** Row `id` of the table; no two are alike. */
const row = (id: number): number[] => Array.from({ length: dimensions }, (_, column) => Math.fround(Math.sin(id * dimensions + column + 1)))

/** A vector is the mean of its tokens' rows: the same alone and in any padded batch. */
export function textGraph(): Uint8Array {
	const graph = new GraphBuilder({ name: 'tiny-text', opset: 20 })
	const ids = graph.input('ids', 'INT64', ['batch', 'tokens'])
	const mask = graph.input('mask', 'INT64', ['batch', 'tokens'])
	const table = graph.constant(
		'table',
		float32(
			[vocabulary.length, dimensions],
			vocabulary.flatMap((_, id) => row(id)),
		),
	)
	const weights = graph.node('Unsqueeze', [graph.node('Cast', [mask], { to: 1 }), graph.constant('last', int64([1], [2]))])
	const axis = graph.constant('tokensAxis', int64([1], [1]))
	const sum = graph.node('ReduceSum', [graph.node('Mul', [graph.node('Gather', [table, ids]), weights]), axis], { keepdims: 0 })
	const count = graph.node('ReduceSum', [weights, axis], { keepdims: 0 })
	graph.output('vector', graph.node('Div', [sum, count]), 'FP32', ['batch', dimensions])
	graph.output('count', count, 'FP32', ['batch', 1])
	return graph.build()
}

/** What the text model answers for token ids without padding. */
export const expectedVector = (ids: readonly number[]): number[] =>
	Array.from({ length: dimensions }, (_, column) => ids.reduce((sum, id) => sum + (row(id)[column] as number), 0) / ids.length)

/** Adds one to pixels of a fixed size: other names, other types, no batch axis. */
export function pixelGraph(): Uint8Array {
	const graph = new GraphBuilder({ name: 'tiny-pixels', opset: 20 })
	const pixels = graph.input('pixels', 'FP32', [1, 2, 3])
	graph.output('brighter', graph.node('Add', [pixels, graph.constant('one', float32([1], [1]))]), 'FP32', [1, 2, 3])
	return graph.build()
}

/** A WordPiece tokenizer over the tiny vocabulary. */
export const tokenizerJson = {
	version: '1.0',
	truncation: { direction: 'Right', max_length: 4, strategy: 'LongestFirst', stride: 0 },
	padding: { strategy: { Fixed: 16 }, direction: 'Right', pad_to_multiple_of: null, pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
	added_tokens: vocabulary
		.slice(0, 4)
		.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
	normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
	pre_tokenizer: { type: 'BertPreTokenizer' },
	post_processor: {
		type: 'TemplateProcessing',
		single: [
			{ SpecialToken: { id: '[CLS]', type_id: 0 } },
			{ Sequence: { id: 'A', type_id: 0 } },
			{ SpecialToken: { id: '[SEP]', type_id: 0 } },
		],
		pair: [],
		special_tokens: {
			'[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
			'[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
		},
	},
	decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
	model: {
		type: 'WordPiece',
		unk_token: '[UNK]',
		continuing_subword_prefix: '##',
		max_input_chars_per_word: 100,
		vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
	},
}

export const textTensors = (rows: readonly (readonly number[])[]): Tensors => {
	const length = Math.max(...rows.map(({ length }) => length))
	const flat = (value: (id: number | undefined) => number) =>
		BigInt64Array.from(
			rows.flatMap((ids) => Array.from({ length }, (_, index) => value(ids[index]))),
			BigInt,
		)
	return {
		ids: tensor(
			'INT64',
			[rows.length, length],
			flat((id) => id ?? 0),
		),
		mask: tensor(
			'INT64',
			[rows.length, length],
			flat((id) => (id === undefined ? 0 : 1)),
		),
	}
}

const pixels = tensor('FP32', [1, 2, 3], Float32Array.of(0, 1, 2, 3, 4, 5))
const brighter = tensor('FP32', [1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))

const about = (model: string, version: string) => ({
	model,
	version,
	description: 'A tiny model for tests.',
	license: 'Apache-2.0',
	source: { name: 'made by the tests' },
	calibration: 'none',
})

const graphsOf = (tolerance: { cosine?: number; absolute?: number }) => {
	const graph = { file: 'graph.onnx', external: [], tolerance }
	return { wasm: graph, cpu: graph }
}

export const textDescription = (version = '1.0.0'): Description => ({
	...about('tiny-text', version),
	task: {
		kind: 'embed',
		tokenizer: 'tokenizer.json',
		maxTokens: 12,
		dimensions,
		inputs: { ids: 'ids', mask: 'mask' },
		output: 'vector',
		padId: 0,
	},
	inputs: [
		{ name: 'ids', datatype: 'INT64', shape: ['batch', 'tokens'] },
		{ name: 'mask', datatype: 'INT64', shape: ['batch', 'tokens'] },
	],
	outputs: [
		{ name: 'vector', datatype: 'FP32', shape: ['batch', dimensions] },
		{ name: 'count', datatype: 'FP32', shape: ['batch', 1] },
	],
	axes: { batch: {}, tokens: { max: 12 } },
	variants: {
		fp32: {
			description: 'as made',
			graphs: graphsOf({ cosine: 0.9999 }),
			golden: [
				{
					name: 'hello world',
					inputs: Object.fromEntries(Object.entries(textTensors([[2, 4, 5, 3]])).map(([name, value]) => [name, toTensorData(value)])),
					outputs: {
						vector: toTensorData(tensor('FP32', [1, dimensions], Float32Array.from(expectedVector([2, 4, 5, 3])))),
						count: toTensorData(tensor('FP32', [1, 1], Float32Array.of(4))),
					},
				},
			],
			accuracy: {},
		},
	},
})

export const pixelDescription = (version = '1.0.0'): Description => ({
	...about('tiny-pixels', version),
	task: null,
	inputs: [{ name: 'pixels', datatype: 'FP32', shape: [1, 2, 3] }],
	outputs: [{ name: 'brighter', datatype: 'FP32', shape: [1, 2, 3] }],
	axes: {},
	variants: {
		fp32: {
			description: 'as made',
			graphs: graphsOf({ absolute: 1e-6 }),
			golden: [{ name: 'a ramp', inputs: { pixels: toTensorData(pixels) }, outputs: { brighter: toTensorData(brighter) } }],
			accuracy: {},
		},
	},
})

/** The files that a description names. */
export const filesOf = (description: Description): Record<string, Uint8Array> =>
	description.task
		? { 'graph.onnx': textGraph(), 'tokenizer.json': new TextEncoder().encode(JSON.stringify(tokenizerJson)) }
		: { 'graph.onnx': pixelGraph() }

export interface Packed {
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	/** The manifest's bytes. */
	bytes: Uint8Array
	/** Chunks by digest. */
	chunks: Map<string, Uint8Array>
}

/** Packs a description and its files, in chunks of at most `size` bytes. */
export async function packed(description: Description, files = filesOf(description), size = 256): Promise<Packed> {
	const chunks = new Map<string, Uint8Array>()
	const listed: Manifest['files'] = {}
	for (const [name, bytes] of Object.entries(files)) {
		const cuts: { digest: string; size: number }[] = []
		for (let start = 0; start < bytes.length; start += size) {
			const piece = bytes.slice(start, start + size)
			const digest = await digestOf(piece)
			chunks.set(digest, piece)
			cuts.push({ digest, size: piece.length })
		}
		listed[name] = { size: bytes.length, digest: await digestOf(bytes), chunks: cuts }
	}
	const manifest: Manifest = { ...description, format: 'spillway-manifest/1', files: listed }
	const bytes = canonicalBytes(manifest)
	return { manifest, digest: await digestOf(bytes), bytes, chunks }
}
