// The three ways to multiply activations with the encoder's weights: floats, row-wise int8, and dequantized int8.

import { tensor } from '../../../runtime/core/tensor.ts'
import type { GraphBuilder, Value } from '../onnx/graph.ts'
import { float32, int64 } from '../onnx/tensor.ts'
import type { Kernels, Product } from './encoder.ts'

/** GELU is never below -0.17: added to its output, this makes it non-negative. */
export const geluShift = 0.17

/** Float weights. `observe` is told the input of every product; calibration listens there. */
export function floatKernels(graph: GraphBuilder, observe?: (x: Value, layer: number, product: Product) => void): Kernels {
	return {
		words: (ids) => graph.node('Gather', [graph.weight('embeddings.words'), ids]),
		product(x, layer, product) {
			observe?.(x, layer, product)
			const name = `layers.${layer}.${product}`
			return addBias(graph, graph.node('MatMul', [x, graph.weight(name)]), name)
		},
	}
}

/** The quantized weights, turned back into floats: standard operators only, for WebGPU. */
export function dequantizingKernels(graph: GraphBuilder): Kernels {
	return {
		words: (ids) => quantizedWords(graph, ids),
		product(x, layer, product) {
			const name = `layers.${layer}.${product}`
			const weight = graph.node('DequantizeLinear', [graph.weight(name), graph.weight(`${name}.scale`)], { axis: 1 })
			return addBias(graph, graph.node('MatMul', [smoothed(graph, x, layer, product), weight]), name)
		},
	}
}

/**
 * Integer products. Every row of activations is quantized by its own largest magnitude, so that a text's vector depends neither
 * on its neighbours in a batch nor on its padding. Activations are uint8: wasm and x86 have no fast product of two int8.
 */
export function rowwiseKernels(graph: GraphBuilder): Kernels {
	const one = graph.constant('one', float32([], [1]))
	return {
		tokenMultiple: 4,
		words: (ids) => quantizedWords(graph, ids),
		product(x, layer, product) {
			const name = `layers.${layer}.${product}`
			const { quantized, scale, zeroPoint } =
				product === 'output' ? quantizeShifted(graph, x) : quantizeSymmetric(graph, smoothed(graph, x, layer, product))
			const y = graph.node(
				'MatMulIntegerToFloat',
				[quantized, graph.weight(name), one, graph.weight(`${name}.scale`), zeroPoint],
				{},
				'com.microsoft',
			)
			// The shift times the weights is part of this bias (see quantize.ts).
			const bias = product === 'output' ? `${name}.shifted` : name
			return addBias(graph, graph.node('Mul', [y, scale]), bias)
		},
	}
}

interface Rows {
	readonly quantized: Value
	/** float32 [batch, tokens, 1] */
	readonly scale: Value
	readonly zeroPoint: Value
}

/** x = (quantized - 128) * scale, with scale = max|x| / 127 in each row. */
function quantizeSymmetric(graph: GraphBuilder, x: Value): Rows {
	return quantizeRows(graph, x, graph.node('Abs', [x]), { range: 127, zeroPoint: 128 })
}

/** x + {@link geluShift} = quantized * scale: no sign, so all 255 steps lie on one side. */
function quantizeShifted(graph: GraphBuilder, x: Value): Rows {
	const shifted = graph.node('Add', [x, graph.constant('gelu_shift', float32([], [geluShift]))])
	return quantizeRows(graph, shifted, shifted, { range: 255, zeroPoint: 0 })
}

function quantizeRows(graph: GraphBuilder, x: Value, magnitude: Value, { range, zeroPoint }: { range: number; zeroPoint: number }): Rows {
	const columns = graph.constant('last', int64([1], [-1]))
	// A row of zeros would divide by zero.
	const largest = graph.node('Max', [
		graph.node('ReduceMax', [magnitude, columns], { keepdims: 1 }),
		graph.constant('tiny', float32([], [1e-12])),
	])
	const inverse = graph.node('Div', [graph.constant(`range_${range}`, float32([], [range])), largest])
	const zero = graph.constant(`zero_point_${zeroPoint}`, tensor('UINT8', [], Uint8Array.of(zeroPoint)))
	const steps = graph.node('Mul', [x, inverse])
	return {
		quantized: graph.node('QuantizeLinear', [steps, graph.constant('one', float32([], [1])), zero]),
		scale: graph.node('Mul', [largest, graph.constant(`step_${range}`, float32([], [1 / range]))]),
		zeroPoint: zero,
	}
}

/** Smoothing divides each input channel; for the attention output the factor is in the value's weights. */
function smoothed(graph: GraphBuilder, x: Value, layer: number, product: Product): Value {
	return product === 'qkv' || product === 'intermediate' ? graph.node('Mul', [x, graph.weight(`layers.${layer}.${product}.smooth`)]) : x
}

function quantizedWords(graph: GraphBuilder, ids: Value): Value {
	const steps = graph.node('Cast', [graph.node('Gather', [graph.weight('embeddings.words'), ids])], { to: 1 })
	return graph.node('Mul', [steps, graph.node('Gather', [graph.weight('embeddings.words.scale'), ids])])
}

function addBias(graph: GraphBuilder, x: Value, name: string): Value {
	return graph.node('Add', [x, graph.weight(`${name}.bias`)])
}
