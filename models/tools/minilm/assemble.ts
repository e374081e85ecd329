// From a checkpoint to weights and graphs.

import { type Tensor, tensor } from '../../../runtime/core/tensor.ts'
import { type Weights, WeightsFile } from '../onnx/external.ts'
import { GraphBuilder } from '../onnx/graph.ts'
import { float32, int64, toProto } from '../onnx/tensor.ts'
import type { Checkpoint, Layer, Linear } from './checkpoint.ts'
import { addEncoder, headSize, type Product, products, type Shape } from './encoder.ts'
import { dequantizingKernels, floatKernels, geluShift, rowwiseKernels } from './kernels.ts'
import { concatColumns, type Matrix, scaleColumns, scaleRows } from './matrix.ts'
import { quantizeColumns, quantizeRows, unshiftedBias } from './quantize.ts'
import { smoothingFactors } from './smooth.ts'

/** Largest magnitude of each input channel of a product over the calibration texts, by layer. */
export type Ranges = readonly Record<Product, Float32Array>[]

/** How much of the activations' range moves into the weights. With 0.5 the integer graph loses, with 0.7 the float one. */
const alpha = 0.6

/** First opset with Gelu; ONNX Runtime 1.30 has all of it on every provider. */
const opset = 20

/** Name of the weights file in the graphs. */
export const weightsFile = 'weights.bin'

/** The quantized model as files: the graph for integer kernels, the one for float kernels, and the weights of both. */
export interface QuantizedModel {
	readonly wasm: Uint8Array
	readonly webgpu: Uint8Array
	readonly weights: Uint8Array
}

/**
 * The fp32 model as one ONNX file.
 *
 * @param options.ranges also outputs, for each product, the largest magnitude of every input channel in the call, under the names
 * that {@link rangeName} gives
 */
export function floatModel(checkpoint: Checkpoint, options: { ranges?: boolean } = {}): Uint8Array {
	const weights = inGraph(floatTensors(checkpoint))
	const graph = new GraphBuilder({ name: 'minilm-float', opset, weights })
	const observed: (() => void)[] = []
	const kernels = floatKernels(graph, (x, layer, product) => {
		const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.constant('all_tokens', int64([2], [0, 1]))], { keepdims: 0 })
		observed.push(() =>
			graph.output(rangeName(layer, product), largest, 'FP32', [linears(checkpoint.layers[layer] as Layer)[product].weight.rows]),
		)
	})
	addEncoder(graph, shapeOf(checkpoint), kernels)
	if (options.ranges) for (const output of observed) output()
	return graph.build()
}

/** Name of the output of {@link floatModel} with the range of a product's input. */
export function rangeName(layer: number, product: Product): string {
	return `layers.${layer}.${product}.range`
}

/**
 * Quantizes to int8 with smoothing.
 *
 * @param ranges from {@link floatModel} over the calibration texts
 */
export function quantizedModel(checkpoint: Checkpoint, ranges: Ranges): QuantizedModel {
	const weights = new WeightsFile(weightsFile)
	for (const [name, tensor] of largestFirst(quantizedTensors(checkpoint, ranges))) weights.append(name, tensor)
	const shape = shapeOf(checkpoint)
	const wasm = new GraphBuilder({ name: 'minilm-int8-rowwise', opset, weights })
	addEncoder(wasm, shape, rowwiseKernels(wasm))
	const webgpu = new GraphBuilder({ name: 'minilm-int8-dequantized', opset, weights })
	addEncoder(webgpu, shape, dequantizingKernels(webgpu))
	return { wasm: wasm.build(), webgpu: webgpu.build(), weights: weights.bytes() }
}

function shapeOf({ words, layers }: Checkpoint): Shape {
	return { layers: layers.length, hidden: words.columns, heads: words.columns / headSize }
}

/** The four products of a layer, the query's weights divided by the square root of the head size. */
function linears(layer: Layer): Record<Product, Linear> {
	const query = scaled(layer.query, new Float32Array(layer.query.bias.length).fill(1 / Math.sqrt(headSize)))
	return {
		qkv: sideBySide([query, layer.key, layer.value]),
		attention: layer.attention,
		intermediate: layer.intermediate,
		output: layer.output,
	}
}

function scaled({ weight, bias }: Linear, factors: Float32Array): Linear {
	return { weight: scaleColumns(weight, factors), bias: bias.map((value, i) => value * (factors[i] as number)) }
}

function sideBySide(parts: readonly Linear[]): Linear {
	return {
		weight: concatColumns(parts.map((part) => part.weight)),
		bias: Float32Array.from(parts.flatMap((part) => [...part.bias])),
	}
}

function floatTensors(checkpoint: Checkpoint): Map<string, Tensor> {
	const tensors = commonTensors(checkpoint)
	tensors.set('embeddings.words', ofMatrix(checkpoint.words))
	checkpoint.layers.forEach((layer, number) => {
		for (const [product, { weight, bias }] of Object.entries(linears(layer))) {
			tensors.set(`layers.${number}.${product}`, ofMatrix(weight))
			tensors.set(`layers.${number}.${product}.bias`, ofVector(bias))
		}
	})
	return tensors
}

function quantizedTensors(checkpoint: Checkpoint, ranges: Ranges): Map<string, Tensor> {
	const tensors = commonTensors(checkpoint)
	const words = quantizeRows(checkpoint.words)
	tensors.set('embeddings.words', tensor('INT8', [words.rows, words.columns], words.values))
	tensors.set('embeddings.words.scale', float32([words.rows, 1], words.scales))
	checkpoint.layers.forEach((layer, number) => {
		const { smooth, linear } = smoothedLayer(layer, ranges[number] as Record<Product, Float32Array>)
		for (const product of products) {
			const name = `layers.${number}.${product}`
			const { weight, bias } = linear[product]
			const quantized = quantizeColumns(weight)
			tensors.set(name, tensor('INT8', [quantized.rows, quantized.columns], quantized.values))
			tensors.set(`${name}.scale`, ofVector(quantized.scales))
			tensors.set(`${name}.bias`, ofVector(bias))
			if (product === 'output') tensors.set(`${name}.shifted.bias`, ofVector(unshiftedBias(bias, quantized, geluShift)))
		}
		tensors.set(`layers.${number}.qkv.smooth`, ofVector(smooth.qkv.map(inverse)))
		tensors.set(`layers.${number}.intermediate.smooth`, ofVector(smooth.intermediate.map(inverse)))
	})
	return tensors
}

/** Weights with the smoothing factors multiplied in; the attention output's are divided out of the value, which is its only input. */
function smoothedLayer(layer: Layer, ranges: Record<Product, Float32Array>) {
	const attention = smoothingFactors(ranges.attention, layer.attention.weight, alpha)
	const linear = linears({
		...layer,
		value: scaled(layer.value, attention.map(inverse)),
		attention: smoothedInputs(layer.attention, attention),
	})
	const qkv = smoothingFactors(ranges.qkv, linears(layer).qkv.weight, alpha)
	const intermediate = smoothingFactors(ranges.intermediate, layer.intermediate.weight, alpha)
	return {
		smooth: { qkv, intermediate },
		linear: { ...linear, qkv: smoothedInputs(linear.qkv, qkv), intermediate: smoothedInputs(linear.intermediate, intermediate) },
	}
}

function smoothedInputs({ weight, bias }: Linear, factors: Float32Array): Linear {
	return { weight: scaleRows(weight, factors), bias }
}

/** What no variant quantizes: positions and normalisations. */
function commonTensors({ positions, embeddingNorm, layers }: Checkpoint): Map<string, Tensor> {
	const tensors = new Map([['embeddings.positions', ofMatrix(positions)]])
	const norms = [
		['embeddings.norm', embeddingNorm] as const,
		...layers.flatMap((layer, number) => [
			[`layers.${number}.attention.norm`, layer.attentionNorm] as const,
			[`layers.${number}.output.norm`, layer.outputNorm] as const,
		]),
	]
	for (const [name, { gain, bias }] of norms) {
		tensors.set(`${name}.gain`, ofVector(gain))
		tensors.set(`${name}.bias`, ofVector(bias))
	}
	return tensors
}

/**
 * Tables and matrices before vectors, in the order of the model otherwise. Files are cut into chunks at the boundaries of large
 * tensors: this way the small ones share a chunk, and what is appended later moves nothing.
 */
function largestFirst(tensors: Map<string, Tensor>): [string, Tensor][] {
	const isMatrix = ([, { shape }]: [string, Tensor]) => shape.length === 2 && shape[1] !== 1
	const entries = [...tensors]
	return [...entries.filter(isMatrix), ...entries.filter((entry) => !isMatrix(entry))]
}

function inGraph(tensors: Map<string, Tensor>): Weights {
	return {
		reference(name) {
			const found = tensors.get(name)
			if (!found) throw new Error(`weights hold no tensor named ${name}`)
			return toProto(name, found)
		},
	}
}

function ofMatrix({ rows, columns, data }: Matrix): Tensor {
	return float32([rows, columns], data)
}

function ofVector(data: Float32Array): Tensor {
	return float32([data.length], data)
}

function inverse(value: number): number {
	return 1 / value
}
