// Float products of the encoder: with float weights, and with the quantized ones turned back into floats.

import type { GraphBuilder, Value } from '../onnx/graph.ts'
import type { Kernels, Product } from './encoder.ts'
import { standardKernels } from './standard.ts'

/** Float weights. `observe` is told the input of every product; calibration listens there. */
export function floatKernels(graph: GraphBuilder, observe?: (x: Value, layer: number, product: Product) => void): Kernels {
	return {
		...standardKernels(graph),
		words: (ids) => graph.node('Gather', [graph.weight('embeddings.words'), ids]),
		product(x, layer, product) {
			observe?.(x, layer, product)
			return graph.node('MatMul', [x, graph.weight(`layers.${layer}.${product}`)])
		},
	}
}

/** The quantized weights, turned back into floats: standard operators only, for WebGPU. */
export function dequantizingKernels(graph: GraphBuilder): Kernels {
	return {
		...standardKernels(graph),
		words: (ids) => quantizedWords(graph, ids),
		product(x, layer, product) {
			const name = `layers.${layer}.${product}`
			const weight = graph.node('DequantizeLinear', [graph.weight(name), graph.weight(`${name}.scale`)], { axis: 1 })
			return graph.node('MatMul', [smoothed(graph, x, layer, product), weight])
		},
	}
}

/** Smoothing divides each input channel; for the attention output the factor is in the value's weights. */
export function smoothed(graph: GraphBuilder, x: Value, layer: number, product: Product): Value {
	return product === 'qkv' || product === 'intermediate' ? graph.node('Mul', [x, graph.weight(`layers.${layer}.${product}.smooth`)]) : x
}

/** Looks words up in the int8 table. */
export function quantizedWords(graph: GraphBuilder, ids: Value): Value {
	const steps = graph.node('Cast', [graph.node('Gather', [graph.weight('embeddings.words'), ids])], { to: 1 })
	return graph.node('Mul', [steps, graph.node('Gather', [graph.weight('embeddings.words.scale'), ids])])
}
