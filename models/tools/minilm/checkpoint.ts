// The fp32 weights of all-MiniLM-L6-v2, taken by name out of the published ONNX file.

import { fromBinary } from '@bufbuild/protobuf'
import { type GraphProto, ModelProtoSchema } from '../onnx/onnx_pb.ts'
import { fromProto } from '../onnx/tensor.ts'
import { type Matrix, matrix } from './matrix.ts'

/** `x @ weight + bias`; `weight` is [inputs, outputs]. */
export interface Linear {
	readonly weight: Matrix
	readonly bias: Float32Array
}

/** Layer normalisation over the last axis. */
export interface Norm {
	readonly gain: Float32Array
	readonly bias: Float32Array
}

/** One layer of the encoder, normalised after each residual sum (post-LN, as BERT does). */
export interface Layer {
	readonly query: Linear
	readonly key: Linear
	readonly value: Linear
	readonly attention: Linear
	readonly attentionNorm: Norm
	readonly intermediate: Linear
	readonly output: Linear
	readonly outputNorm: Norm
}

/** A BERT encoder's weights, as floats. */
export interface Checkpoint {
	/** [vocabulary, hidden] */
	readonly words: Matrix
	/** [positions, hidden]; the row of token type 0, the only one that sentence embedding uses, is added in. */
	readonly positions: Matrix
	readonly embeddingNorm: Norm
	readonly layers: readonly Layer[]
}

/**
 * Reads the weights. Vectors go by their names, with or without a prefix; matrices by the bias that is added to their product,
 * because exporters name them anew.
 *
 * @param modelBytes all-MiniLM-L6-v2's `model.onnx`
 * @throws {Error} that names the first weight which is not found
 */
export function readCheckpoint(modelBytes: Uint8Array): Checkpoint {
	const { graph } = fromBinary(ModelProtoSchema, modelBytes)
	if (!graph) throw new Error('the file holds no ONNX graph')
	const source = new NamedWeights(graph)
	const layers: Layer[] = []
	while (source.has(`encoder.layer.${layers.length}.output.dense.bias`)) {
		layers.push(readLayer(source, `encoder.layer.${layers.length}`))
	}
	if (layers.length === 0) throw new Error('the graph has no weights named encoder.layer.0.…: is it a BERT encoder?')
	return {
		words: source.table('embeddings.word_embeddings.weight'),
		positions: withTokenType(
			source.table('embeddings.position_embeddings.weight'),
			source.table('embeddings.token_type_embeddings.weight'),
		),
		embeddingNorm: source.norm('embeddings.LayerNorm'),
		layers,
	}
}

function readLayer(source: NamedWeights, name: string): Layer {
	return {
		query: source.linear(`${name}.attention.self.query`),
		key: source.linear(`${name}.attention.self.key`),
		value: source.linear(`${name}.attention.self.value`),
		attention: source.linear(`${name}.attention.output.dense`),
		attentionNorm: source.norm(`${name}.attention.output.LayerNorm`),
		intermediate: source.linear(`${name}.intermediate.dense`),
		output: source.linear(`${name}.output.dense`),
		outputNorm: source.norm(`${name}.output.LayerNorm`),
	}
}

function withTokenType(positions: Matrix, tokenTypes: Matrix): Matrix {
	return { ...positions, data: positions.data.map((value, i) => value + (tokenTypes.data[i % positions.columns] as number)) }
}

/** Finds initializers by the end of their names and matrices by their biases. */
class NamedWeights {
	readonly #graph: GraphProto

	constructor(graph: GraphProto) {
		this.#graph = graph
	}

	has(name: string): boolean {
		return this.#find(name) !== undefined
	}

	linear(name: string): Linear {
		const bias = this.#initializer(`${name}.bias`)
		const sum = this.#graph.node.find((node) => node.opType === 'Add' && node.input.includes(bias.name))
		const product = this.#graph.node.find((node) => node.opType === 'MatMul' && sum?.input.includes(node.output[0] ?? ''))
		if (!product) throw new Error(`no product is followed by the sum with ${bias.name}`)
		return { weight: this.table(product.input[1] as string), bias: this.#floats(bias.name) }
	}

	norm(name: string): Norm {
		return { gain: this.#floats(`${name}.weight`), bias: this.#floats(`${name}.bias`) }
	}

	table(name: string): Matrix {
		const { dims } = this.#initializer(name)
		if (dims.length !== 2) throw new Error(`${name} has ${dims.length} dimensions, a matrix has 2`)
		return matrix(Number(dims[0]), Number(dims[1]), this.#floats(name))
	}

	#floats(name: string): Float32Array {
		const { datatype, data } = fromProto(this.#initializer(name))
		if (!(data instanceof Float32Array)) throw new Error(`${name} is ${datatype}, not FP32: the fp32 model is needed`)
		return data
	}

	#initializer(name: string) {
		const found = this.#find(name)
		if (!found) throw new Error(`the graph has no initializer named ${name}`)
		return found
	}

	#find(name: string) {
		return this.#graph.initializer.find((proto) => proto.name === name || proto.name.endsWith(`.${name}`))
	}
}
