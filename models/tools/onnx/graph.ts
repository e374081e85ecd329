// A small builder of ONNX graphs.

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { Datatype } from '../../../runtime/core/datatype.ts'
import type { Tensor } from '../../../runtime/core/tensor.ts'
import { codeOf } from './datatype.ts'
import type { Weights } from './external.ts'
import {
	type AttributeProtoSchema,
	AttributeProto_AttributeType as AttributeType,
	ModelProtoSchema,
	type NodeProtoSchema,
	type TensorProto,
	type ValueInfoProtoSchema,
} from './onnx_pb.ts'
import { toProto } from './tensor.ts'

/** Name of a value in the graph: an input, an initializer or what a node computes. */
export type Value = string

/** A dimension: a fixed size or the name of an axis that differs from call to call. */
export type Dim = number | string

/** Numbers are integers unless wrapped by {@link float}. */
export type Attribute = number | readonly number[] | string | Float

interface Float {
	readonly float: number
}

/** Marks a node attribute as a float; ONNX tells `1` from `1.0`. */
export function float(value: number): Float {
	return { float: value }
}

/** ONNX's own operators, and those that ONNX Runtime adds. */
export type Domain = '' | 'com.microsoft'

/**
 * Builds one graph: every method adds something and returns the name to refer to it by.
 *
 * Names of nodes and their outputs are counted within the operator (`MatMul_3`), so the same calls give the same
 * bytes.
 *
 * @example
 * const graph = new GraphBuilder({ name: "double", opset: 20 })
 * const x = graph.input("x", "float32", ["batch", 3])
 * graph.output("y", graph.node("Add", [x, x]), "float32", ["batch", 3])
 * await writeFile("double.onnx", graph.build())
 */
export class GraphBuilder {
	readonly #name: string
	readonly #opset: number
	readonly #weights: Weights | undefined
	readonly #nodes: MessageInitShape<typeof NodeProtoSchema>[] = []
	readonly #initializers = new Map<string, TensorProto>()
	readonly #inputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = []
	readonly #outputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = []
	readonly #counts = new Map<string, number>()
	readonly #domains = new Set<Domain>([''])

	/** @param options.weights where {@link weight} finds its tensors */
	constructor(options: { name: string; opset: number; weights?: Weights }) {
		this.#name = options.name
		this.#opset = options.opset
		this.#weights = options.weights
	}

	/** Declares an input of the graph. */
	input(name: string, datatype: Datatype, shape: readonly Dim[]): Value {
		this.#inputs.push(valueInfo(name, datatype, shape))
		return name
	}

	/** Declares `value` an output of the graph, under a name of its own. */
	output(name: string, value: Value, datatype: Datatype, shape: readonly Dim[]): void {
		this.#nodes.push({ opType: 'Identity', name, input: [value], output: [name] })
		this.#outputs.push(valueInfo(name, datatype, shape))
	}

	/** Adds a tensor that is stored in the graph. Good for scalars and shapes. The same name twice is the same tensor. */
	constant(name: string, tensor: Tensor): Value {
		if (!this.#initializers.has(name)) this.#initializers.set(name, toProto(name, tensor))
		return name
	}

	/**
	 * Refers to a tensor of the weights.
	 *
	 * @throws {Error} if the graph has no weights, or they have no such tensor
	 */
	weight(name: string): Value {
		if (!this.#weights) throw new Error(`graph ${this.#name} has no weights to take ${name} from`)
		if (!this.#initializers.has(name)) this.#initializers.set(name, this.#weights.reference(name))
		return name
	}

	/** Adds an operator with one output. An input `""` is an optional one left out. */
	node(op: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}, domain: Domain = ''): Value {
		return this.#add(op, inputs, 1, attributes, domain)[0] as Value
	}

	/** Adds an operator with several outputs, such as Split. */
	nodes(op: string, inputs: readonly Value[], outputs: number, attributes: Record<string, Attribute> = {}): Value[] {
		return this.#add(op, inputs, outputs, attributes, '')
	}

	/** The ONNX model. */
	build(): Uint8Array {
		const model = create(ModelProtoSchema, {
			irVersion: 10n,
			producerName: 'spillway',
			opsetImport: [...this.#domains].map((domain) => ({
				domain,
				version: domain === '' ? BigInt(this.#opset) : 1n,
			})),
			graph: {
				name: this.#name,
				node: this.#nodes,
				initializer: [...this.#initializers.values()],
				input: this.#inputs,
				output: this.#outputs,
			},
		})
		return toBinary(ModelProtoSchema, model)
	}

	#add(op: string, inputs: readonly Value[], outputs: number, attributes: Record<string, Attribute>, domain: Domain): Value[] {
		const count = this.#counts.get(op) ?? 0
		this.#counts.set(op, count + 1)
		this.#domains.add(domain)
		const name = `${op}_${count}`
		const output = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : `${name}.${i}`))
		const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value))
		this.#nodes.push({ opType: op, name, domain, input: [...inputs], output, attribute })
		return output
	}
}

function attributeProto(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
	if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
	if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
	if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float }
	return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
}

function valueInfo(name: string, datatype: Datatype, shape: readonly Dim[]): MessageInitShape<typeof ValueInfoProtoSchema> {
	const dim = shape.map((size) =>
		typeof size === 'number'
			? { value: { case: 'dimValue' as const, value: BigInt(size) } }
			: { value: { case: 'dimParam' as const, value: size } },
	)
	return {
		name,
		type: { value: { case: 'tensorType', value: { elemType: codeOf(datatype), shape: { dim } } } },
	}
}
