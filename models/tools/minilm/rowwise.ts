// Integer products of the encoder, and operators of ONNX Runtime's own that are fast in WebAssembly.

import { tensor } from '../../../runtime/core/tensor.ts'
import { float, type GraphBuilder, type Value } from '../onnx/graph.ts'
import { float32, int64 } from '../onnx/tensor.ts'
import type { Kernels, Product } from './encoder.ts'
import { quantizedWords, smoothed } from './kernels.ts'
import { epsilon, masked } from './standard.ts'

/** GELU is never below -0.17: added to its output, this makes it non-negative. */
export const geluShift = 0.17

/** Nodes of ONNX Runtime's own. */
const own = 'com.microsoft'

/**
 * Every row of activations is quantized by its own largest magnitude, so that a text's vector depends neither on its neighbours in
 * a batch nor on its padding. Activations are uint8: wasm and x86 have no fast product of two int8.
 *
 * @param graph its opset must be 21 or later (QuantizeLinear by blocks)
 * @param inputs input channels of each product
 */
export function rowwiseKernels(graph: GraphBuilder, inputs: Record<Product, number>): Kernels {
	const one = graph.constant('one', float32([], [1]))
	const columns = graph.constant('last', int64([1], [-1]))
	const zeroPoint = (value: number) => graph.constant(`zero_point_${value}`, tensor('UINT8', [], Uint8Array.of(value)))
	/** One for each row: uint8 [batch, tokens, 1]. */
	let zeroPoints: Value | undefined

	/** x = (quantized - zero) * scale, scale float32 [batch, tokens, 1]. A row of zeros has scale 0, and so gives zeros whatever its steps. */
	function quantized(x: Value, product: Product) {
		const block = { axis: -1, block_size: inputs[product] }
		// GELU's output, shifted, has no sign: all 255 steps lie on one side.
		if (product === 'output') {
			const shifted = graph.node('Add', [x, graph.constant('gelu_shift', float32([], [geluShift]))])
			const scale = rowScale(shifted, 255)
			return { steps: graph.node('QuantizeLinear', [shifted, scale], { ...block, output_dtype: 2 }), scale, zero: zeroPoint(0) }
		}
		const scale = rowScale(graph.node('Abs', [x]), 127)
		zeroPoints ??= graph.node('Expand', [zeroPoint(128), graph.node('Shape', [scale])])
		return { steps: graph.node('QuantizeLinear', [x, scale, zeroPoints], block), scale, zero: zeroPoint(128) }
	}

	const rowScale = (magnitude: Value, range: number) =>
		graph.node('Mul', [
			graph.node('ReduceMax', [magnitude, columns], { keepdims: 1 }),
			graph.constant(`step_${range}`, float32([], [1 / range])),
		])

	return {
		words: (ids) => quantizedWords(graph, ids),
		product(x, layer, product) {
			const name = `layers.${layer}.${product}`
			const { steps, scale, zero } = quantized(smoothed(graph, x, layer, product), product)
			const y = graph.node('MatMulIntegerToFloat', [steps, graph.weight(name), one, graph.weight(`${name}.scale`), zero], {}, own)
			return graph.node('Mul', [y, scale])
		},
		// The shift times the weights is part of that bias (see quantize.ts).
		bias: (layer, product) => graph.weight(`layers.${layer}.${product === 'output' ? 'output.shifted' : product}.bias`),
		attention(mask, { heads }) {
			const pad = tokenPadding(graph, mask, 4)
			const keys = graph.node('Cast', [pad(mask)], { to: 6 })
			return (qkv, bias) => {
				const [query, key, value] = graph.nodes('Split', [qkv], 3, { axis: -1, num_outputs: 3 }) as [Value, Value, Value]
				const options = { num_heads: heads, scale: float(1), mask_filter_value: float(masked) }
				return graph.node('MultiHeadAttention', [query, pad(key), pad(value), bias, keys], options, own)
			}
		},
		// By the hyperbolic tangent, at most 5e-4 from the form by erf, which takes twice the time: little beside the step of some 0.02 that its output is rounded to.
		gelu: (x, bias) => graph.node('FastGelu', [x, bias], {}, own),
		// LayerNormalization goes number by number in WebAssembly and takes three times as long as these four.
		normalise(x, norm) {
			const centred = graph.node('Sub', [x, graph.node('ReduceMean', [x, columns], { keepdims: 1 })])
			const scaled = graph.node('SimplifiedLayerNormalization', [centred, graph.weight(`${norm}.gain`)], {
				axis: -1,
				epsilon: float(epsilon),
			})
			return graph.node('Add', [scaled, graph.weight(`${norm}.bias`)])
		},
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
	const axis = graph.constant('axis_tokens', int64([1], [1]))
	const tokens = graph.node('Shape', [mask], { start: 1, end: 2 })
	const missing = graph.node('Mod', [graph.node('Neg', [tokens]), graph.constant('token_multiple', int64([1], [multiple]))])
	const pads = graph.node('Concat', [graph.constant('zero', int64([1], [0])), missing], { axis: 0 })
	return (x) => graph.node('Pad', [x, pads, '', axis])
}
