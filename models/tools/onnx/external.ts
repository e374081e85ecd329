// Weights beside the graph: ONNX external data.

import { create, fromBinary } from '@bufbuild/protobuf'
import { bytesPerElement } from '../../../runtime/core/datatype.ts'
import type { Tensor } from '../../../runtime/core/tensor.ts'
import { codeOf, datatypeOf } from './datatype.ts'
import { type GraphProto, ModelProtoSchema, type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from './onnx_pb.ts'
import { bytesOf, externalEntry } from './tensor.ts'

/** Where one tensor of a graph lies in a file beside it. Offset and length in bytes. */
export interface ExternalTensor {
	readonly name: string
	readonly location: string
	readonly offset: number
	readonly length: number
}

/**
 * The tensors that a graph keeps in files beside it, by offset: the boundaries at which such a file may be cut.
 * Attributes and subgraphs are searched too.
 *
 * @param graphBytes an ONNX model
 * @throws {RangeError} if an external tensor names no file
 * @example externalTensors(await readFile("wasm.onnx")) // [{ name: "embeddings.words", location: "weights.bin", … }]
 */
export function externalTensors(graphBytes: Uint8Array): ExternalTensor[] {
	const { graph } = fromBinary(ModelProtoSchema, graphBytes)
	const found = graph ? tensorsOf(graph).filter(isExternal).map(place) : []
	return found.sort((a, b) => compare(a.location, b.location) || a.offset - b.offset)
}

/** Where a graph takes its weights from: messages of tensors by name. */
export interface Weights {
	/** @throws {Error} if there is none of that name */
	reference(name: string): TensorProto
}

/** A weights file in the making: tensors one after another, each at a multiple of the alignment. */
export class WeightsFile implements Weights {
	readonly location: string
	readonly #alignment: number
	readonly #tensors = new Map<string, { tensor: Tensor; offset: number }>()
	#end = 0

	/**
	 * @param location name of the file as the graphs will say it, relative to them
	 * @param alignment bytes; 64 is the widest load of any kernel
	 */
	constructor(location: string, alignment = 64) {
		this.location = location
		this.#alignment = alignment
	}

	/**
	 * Appends a tensor; its bytes are not copied until {@link bytes}.
	 *
	 * @throws {Error} if the name is taken
	 */
	append(name: string, tensor: Tensor): void {
		if (this.#tensors.has(name)) throw new Error(`weights already hold a tensor named ${name}`)
		const offset = Math.ceil(this.#end / this.#alignment) * this.#alignment
		this.#tensors.set(name, { tensor, offset })
		this.#end = offset + tensor.data.byteLength
	}

	/**
	 * The ONNX message that refers to a tensor of this file.
	 *
	 * @throws {Error} if there is none of that name
	 */
	reference(name: string): TensorProto {
		const entry = this.#tensors.get(name)
		if (!entry) throw new Error(`weights hold no tensor named ${name}`)
		const { tensor, offset } = entry
		return create(TensorProtoSchema, {
			name,
			dataType: codeOf(tensor.datatype),
			dims: tensor.shape.map(BigInt),
			dataLocation: TensorProto_DataLocation.EXTERNAL,
			externalData: [
				{ key: 'location', value: this.location },
				{ key: 'offset', value: String(offset) },
				{ key: 'length', value: String(tensor.data.byteLength) },
			],
		})
	}

	/** The whole file; gaps between tensors are zero. */
	bytes(): Uint8Array {
		const file = new Uint8Array(this.#end)
		for (const { tensor, offset } of this.#tensors.values()) file.set(bytesOf(tensor), offset)
		return file
	}
}

function tensorsOf(graph: GraphProto): TensorProto[] {
	const attributes = graph.node.flatMap((node) => node.attribute)
	const subgraphs = attributes.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
	const inAttributes = attributes.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors))
	return [...graph.initializer, ...inAttributes, ...subgraphs.flatMap(tensorsOf)]
}

function isExternal(proto: TensorProto): boolean {
	return proto.dataLocation === TensorProto_DataLocation.EXTERNAL
}

function place(proto: TensorProto): ExternalTensor {
	const { location, offset, length } = externalEntry(proto)
	return { name: proto.name, location, offset, length: length ?? byteLength(proto) }
}

function byteLength(proto: TensorProto): number {
	return proto.dims.reduce((bytes, dim) => bytes * Number(dim), bytesPerElement(datatypeOf(proto.dataType)))
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0
}
