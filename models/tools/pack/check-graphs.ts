// Whether the ONNX graphs are what model.json says: inputs, outputs, external data.

import { fromBinary } from '@bufbuild/protobuf'
import { messageOf } from '../../../runtime/core/error.ts'
import type { Problem } from '../../format/json.ts'
import type { Description, Graph, TensorSpec } from '../../format/manifest.ts'
import { datatypeOf } from '../onnx/datatype.ts'
import { externalTensors } from '../onnx/external.ts'
import { type GraphProto, ModelProtoSchema, type ValueInfoProto } from '../onnx/onnx_pb.ts'

/** Problems of all graphs of a description, whose `files` are all there. */
export function checkGraphs(description: Description, files: ReadonlyMap<string, Uint8Array>): Problem[] {
	return Object.entries(description.variants).flatMap(([variant, { graphs }]) =>
		Object.entries(graphs).flatMap(([provider, graph]) => {
			const path = ['variants', variant, 'graphs', provider]
			try {
				const proto = fromBinary(ModelProtoSchema, bytesOf(files, graph.file)).graph
				if (!proto?.node.length) throw new Error('it has no nodes')
				return [...checkInterface(description, proto, [...path, 'file']), ...checkExternal(graph, files, path)]
			} catch (error) {
				return [{ path: [...path, 'file'], message: `${JSON.stringify(graph.file)} is no ONNX graph: ${messageOf(error)}` }]
			}
		}),
	)
}

function checkInterface(description: Description, proto: GraphProto, path: (string | number)[]): Problem[] {
	// Before ONNX IR 4 every initializer was listed among the inputs.
	const initializers = new Set(proto.initializer.map(({ name }) => name))
	const inputs = proto.input.filter(({ name }) => !initializers.has(name))
	return [...compare('input', description.inputs, inputs, path), ...compare('output', description.outputs, proto.output, path)]
}

function compare(side: string, specs: readonly TensorSpec[], infos: readonly ValueInfoProto[], path: (string | number)[]): Problem[] {
	const problems: Problem[] = []
	const declared = new Map(specs.map((spec) => [spec.name, spec]))
	for (const { name } of specs)
		if (!infos.some((info) => info.name === name)) problems.push({ path, message: `the graph has no ${side} ${JSON.stringify(name)}` })
	for (const info of infos) {
		const spec = declared.get(info.name)
		const form = formOf(info)
		if (!spec) problems.push({ path, message: `the graph's ${side} ${JSON.stringify(info.name)} is not in ${side}s` })
		else if (form.datatype !== spec.datatype || !fits(spec.shape, form.shape))
			problems.push({
				path,
				message: `the graph's ${side} ${JSON.stringify(info.name)} is ${form.datatype} [${form.shape ?? '…'}], ${side}s say ${spec.datatype} [${spec.shape}]`,
			})
	}
	return problems
}

/** Datatype and shape as ONNX has them; `?` is a size without a name, an absent shape is any. */
function formOf(info: ValueInfoProto): { datatype: string; shape: (number | string)[] | undefined } {
	const type = info.type?.value
	if (type?.case !== 'tensorType') return { datatype: 'no tensor', shape: undefined }
	const shape = type.value.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : value.value || '?'))
	return { datatype: nameOf(type.value.elemType), shape }
}

/** Datatype, or words that no model.json can say. */
function nameOf(elementType: number): string {
	try {
		return datatypeOf(elementType)
	} catch {
		return `ONNX type ${elementType}`
	}
}

/** A fixed size of the graph must be said; a free one may be narrowed to a number or bear another name. */
const fits = (spec: readonly (number | string)[], shape: readonly (number | string)[] | undefined): boolean =>
	!shape || (shape.length === spec.length && shape.every((size, axis) => typeof size === 'string' || size === spec[axis]))

function checkExternal(graph: Graph, files: ReadonlyMap<string, Uint8Array>, path: string[]): Problem[] {
	const problems: Problem[] = []
	const tensors = externalTensors(bytesOf(files, graph.file))
	for (const location of new Set(tensors.map((tensor) => tensor.location)))
		if (!graph.external.includes(location))
			problems.push({ path: [...path, 'external'], message: `the graph keeps tensors in ${JSON.stringify(location)}, which is not listed` })
	graph.external.forEach((name, index) => {
		const inside = tensors.filter(({ location }) => location === name)
		if (!inside.length)
			problems.push({ path: [...path, 'external', index], message: `the graph keeps no tensor in ${JSON.stringify(name)}` })
		const { byteLength } = bytesOf(files, name)
		for (const { name: tensor, offset, length } of inside)
			if (offset < 0 || offset + length > byteLength)
				problems.push({
					path: [...path, 'external', index],
					message: `${JSON.stringify(name)} has ${byteLength} bytes, tensor ${JSON.stringify(tensor)} needs ${length} from ${offset} on`,
				})
	})
	return problems
}

const bytesOf = (files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array => files.get(name) as Uint8Array
