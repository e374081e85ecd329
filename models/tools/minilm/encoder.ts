// The graph of a sentence encoder, written once: what differs between the variants are its kernels.

import type { GraphBuilder, Value } from '../onnx/graph.ts'
import { float32, int64 } from '../onnx/tensor.ts'

/** The four products with weights in a layer: fused query, key and value; attention output; the two of the feed-forward part. */
export const products = ['qkv', 'attention', 'intermediate', 'output'] as const
export type Product = (typeof products)[number]

/** Sizes of the encoder. */
export interface Shape {
	readonly layers: number
	readonly hidden: number
	readonly heads: number
}

/** all-MiniLM-L6-v2 has heads of 32 values each. */
export const headSize = 32

/** What differs between graphs over the same encoder. Values are float32 [batch, tokens, …] unless said otherwise. */
export interface Kernels {
	/** Word vectors of token ids: int64 [batch, tokens] to [batch, tokens, hidden]. */
	words(ids: Value): Value
	/**
	 * Activations times a weight matrix, each token for itself; the bias is not yet added.
	 * The 1/sqrt({@link headSize}) of the attention scores is part of the query's weights.
	 */
	product(x: Value, layer: number, product: Product): Value
	/** What is to be added to a product: [outputs]. */
	bias(layer: number, product: Product): Value
	/**
	 * Attention.
	 *
	 * @param mask float32 [batch, tokens], 1 for a token, 0 for padding
	 * @returns how a fused query, key and value, [batch, tokens, 3 * hidden], and its bias become the context, [batch, tokens, hidden]
	 */
	attention(mask: Value, shape: Shape): (qkv: Value, bias: Value) => Value
	/** GELU of a product and its bias. */
	gelu(x: Value, bias: Value): Value
	/** Normalises each token to mean 0 and variance 1, times `<norm>.gain` plus `<norm>.bias` of the weights. */
	normalise(x: Value, norm: string): Value
}

/**
 * Adds the whole encoder to a graph: inputs `input_ids` and `attention_mask` (int64 [batch, tokens]), output
 * `sentence_embedding` (float32 [batch, hidden], of length 1): the mean over the tokens whose mask is 1.
 *
 * The weights file of `graph` must hold `embeddings.positions`, `embeddings.norm.*` and `layers.N.{attention,output}.norm.*`.
 *
 * @param graph receives the nodes
 */
export function addEncoder(graph: GraphBuilder, shape: Shape, kernels: Kernels): void {
	const ids = graph.input('input_ids', 'INT64', ['batch', 'tokens'])
	const mask = graph.node('Cast', [graph.input('attention_mask', 'INT64', ['batch', 'tokens'])], { to: 1 })
	const attend = kernels.attention(mask, shape)

	let x = embeddings(graph, ids, kernels)
	for (let layer = 0; layer < shape.layers; layer++) {
		const bias = (product: Product) => kernels.bias(layer, product)
		const residual = (x: Value, y: Value, product: Product) =>
			kernels.normalise(graph.node('Add', [graph.node('Add', [y, bias(product)]), x]), `layers.${layer}.${product}.norm`)
		const context = attend(kernels.product(x, layer, 'qkv'), bias('qkv'))
		x = residual(x, kernels.product(context, layer, 'attention'), 'attention')
		const inner = kernels.gelu(kernels.product(x, layer, 'intermediate'), bias('intermediate'))
		x = residual(x, kernels.product(inner, layer, 'output'), 'output')
	}
	graph.output('sentence_embedding', pool(graph, x, mask), 'FP32', ['batch', shape.hidden])
}

/** Word and position vectors, normalised. */
function embeddings(graph: GraphBuilder, ids: Value, kernels: Kernels): Value {
	const tokens = graph.node('Shape', [ids], { start: 1, end: 2 })
	const positions = graph.node('Slice', [
		graph.weight('embeddings.positions'),
		graph.constant('zero', int64([1], [0])),
		tokens,
		graph.constant('zero', int64([1], [0])),
	])
	return kernels.normalise(graph.node('Add', [kernels.words(ids), positions]), 'embeddings.norm')
}

/** Mean of the unmasked tokens' rows, scaled to length 1. */
function pool(graph: GraphBuilder, x: Value, mask: Value): Value {
	const last = graph.constant('last', int64([1], [-1]))
	const tokens = graph.constant('axis_tokens', int64([1], [1]))
	const present = graph.node('Mul', [x, graph.node('Unsqueeze', [mask, last])])
	// The length of the vector does not depend on what the sum is divided by, so it is not divided: only its direction counts.
	const sum = graph.node('ReduceSum', [present, tokens], { keepdims: 0 })
	const length = graph.node('ReduceL2', [sum, last], { keepdims: 1 })
	return graph.node('Div', [sum, graph.node('Max', [length, graph.constant('tiny', float32([], [1e-12]))])])
}
