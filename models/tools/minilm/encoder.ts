// The graph of a sentence encoder, written once: what differs between the variants is how words are looked up and how
// activations are multiplied with weights.

import { float, type GraphBuilder, type Value } from '../onnx/graph.ts'
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

/** What differs between graphs over the same encoder. */
export interface Kernels {
	/** Word vectors of token ids: int64 [batch, tokens] to float32 [batch, tokens, hidden]. */
	words(ids: Value): Value
	/**
	 * Activations times a weight matrix plus bias, each token for itself: float32 [batch, tokens, inputs] to the same with outputs.
	 * The 1/sqrt({@link headSize}) of the attention scores is part of the query's weights.
	 */
	product(x: Value, layer: number, product: Product): Value
	/** Attention sees keys and values padded to a multiple of this many tokens; 1, no padding, by default. See {@link tokenPadding}. */
	readonly tokenMultiple?: number
}

/**
 * Adds the whole encoder to a graph: inputs `input_ids` and `attention_mask` (int64 [batch, tokens]), output
 * `sentence_embedding` (float32 [batch, hidden], of length 1): the mean over the tokens whose mask is 1.
 *
 * Only standard operators are used; ONNX Runtime fuses sums with normalisations and biases with GELU when it loads the graph.
 * The weights file of `graph` must hold `embeddings.positions`, `embeddings.norm.*` and `layers.N.{attention,output}.norm.*`.
 *
 * @param graph receives the nodes; its opset must be 20 or later (Gelu)
 */
export function addEncoder(graph: GraphBuilder, shape: Shape, kernels: Kernels): void {
	const ids = graph.input('input_ids', 'INT64', ['batch', 'tokens'])
	const mask = graph.node('Cast', [graph.input('attention_mask', 'INT64', ['batch', 'tokens'])], { to: 1 })
	const attend = attention(graph, shape, mask, kernels.tokenMultiple ?? 1)

	let x = embeddings(graph, ids, kernels)
	for (let layer = 0; layer < shape.layers; layer++) {
		const context = attend(kernels.product(x, layer, 'qkv'))
		x = residual(graph, x, kernels.product(context, layer, 'attention'), `layers.${layer}.attention.norm`)
		const inner = graph.node('Gelu', [kernels.product(x, layer, 'intermediate')])
		x = residual(graph, x, kernels.product(inner, layer, 'output'), `layers.${layer}.output.norm`)
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
	return normalise(graph, graph.node('Add', [kernels.words(ids), positions]), 'embeddings.norm')
}

/** Returns how a fused query, key and value, [batch, tokens, 3 * hidden], becomes the context, with the mask applied. */
function attention(graph: GraphBuilder, { hidden, heads }: Shape, mask: Value, tokenMultiple: number): (qkv: Value) => Value {
	// In a shape, 0 keeps the size of that axis.
	const split = graph.constant('heads', int64([4], [0, 0, heads, headSize]))
	const join = graph.constant('hidden', int64([3], [0, 0, hidden]))
	const pad = tokenPadding(graph, mask, tokenMultiple)
	const bias = maskBias(graph, pad(mask))
	const byHead = (x: Value, perm: number[]) => graph.node('Transpose', [graph.node('Reshape', [x, split])], { perm })
	return (qkv) => {
		const [query, key, value] = graph.nodes('Split', [qkv], 3, { axis: -1, num_outputs: 3 }) as [Value, Value, Value]
		const scores = graph.node('MatMul', [byHead(query, [0, 2, 1, 3]), byHead(pad(key), [0, 2, 3, 1])])
		const weights = graph.node('Softmax', [graph.node('Add', [scores, bias])], { axis: -1 })
		const context = graph.node('MatMul', [weights, byHead(pad(value), [0, 2, 1, 3])])
		const joined = graph.node('Transpose', [context], { perm: [0, 2, 1, 3] })
		return graph.node('Reshape', [joined, join])
	}
}

/**
 * Returns how zeros are appended along the axis of tokens, up to a multiple of `multiple`.
 *
 * ONNX Runtime's softmax sums whole vectors lane by lane and what is left over after them, so its last bit depends on how many
 * tokens a batch is padded to. Where activations are rounded to integers next, a last bit now and then moves a whole step, and a
 * text's vector would depend on its neighbours. Lanes are 4 wide in WebAssembly and NEON; wider kernels mask what is left over.
 */
function tokenPadding(graph: GraphBuilder, mask: Value, multiple: number): (x: Value) => Value {
	if (multiple === 1) return (x) => x
	const axis = graph.constant('axis_tokens', int64([1], [1]))
	const tokens = graph.node('Shape', [mask], { start: 1, end: 2 })
	const missing = graph.node('Mod', [graph.node('Neg', [tokens]), graph.constant('token_multiple', int64([1], [multiple]))])
	const pads = graph.node('Concat', [graph.constant('zero', int64([1], [0])), missing], { axis: 0 })
	return (x) => graph.node('Pad', [x, pads, '', axis])
}

/** 0 where the mask is 1, else so low that the softmax is exactly 0 there. Not infinite: a row of padding alone stays a number. */
function maskBias(graph: GraphBuilder, mask: Value): Value {
	const absent = graph.node('Sub', [graph.constant('one', float32([], [1])), mask])
	const bias = graph.node('Mul', [absent, graph.constant('masked', float32([], [-10000]))])
	return graph.node('Unsqueeze', [bias, graph.constant('head_and_query', int64([2], [1, 2]))])
}

function residual(graph: GraphBuilder, x: Value, y: Value, norm: string): Value {
	return normalise(graph, graph.node('Add', [y, x]), norm)
}

function normalise(graph: GraphBuilder, x: Value, norm: string): Value {
	return graph.node('LayerNormalization', [x, graph.weight(`${norm}.gain`), graph.weight(`${norm}.bias`)], {
		axis: -1,
		epsilon: float(1e-12),
	})
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
