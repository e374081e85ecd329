// The part of the Open Inference Protocol that a page needs: tensors as binary data only. `oip.ts` has the rest.

import { type Datatype, viewAs } from '../core/datatype.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { checkTensor, type Tensor, type Tensors } from '../core/tensor.ts'
import { fromUtf8, toUtf8 } from '../core/utf8.ts'

/** Length in bytes of the JSON part; whatever follows it is binary tensor data. Before compression, as Triton's clients send it. */
export const headerLengthName = 'inference-header-content-length'

/** Path of a model's inference route. */
export const inferPath = (name: string, version?: string): string =>
	`/v2/models/${encodeURIComponent(name)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}/infer`

/** An HTTP body with the headers that belong to it. */
export interface Message {
	readonly body: Uint8Array<ArrayBuffer>
	readonly headers: Record<string, string>
}

/** A tensor's description, and its data where they are not in the description. */
export interface Part {
	readonly json: string
	readonly bytes?: Uint8Array
}

/** @throws SpillwayError `invalid-input` unless datatype, shape and data fit together. */
export function binaryPart(name: string, tensor: Tensor): Part {
	checkTensor(name, tensor)
	const { datatype, shape, data } = tensor
	const json = JSON.stringify({ name, shape, datatype, parameters: { binary_data_size: data.byteLength } })
	return { json, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** JSON first, then the binary tensors in the order of their descriptions. */
export function frame(head: object, key: 'inputs' | 'outputs', parts: readonly Part[]): Message {
	const start = JSON.stringify(head).slice(0, -1)
	const json = toUtf8(`${start}${start === '{' ? '' : ','}"${key}":[${parts.map((part) => part.json)}]}`)
	if (!parts.some(({ bytes }) => bytes)) return { body: json, headers: { 'content-type': 'application/json' } }
	let size = json.byteLength
	for (const { bytes } of parts) size += bytes?.byteLength ?? 0
	const body = new Uint8Array(size)
	body.set(json)
	let at = json.byteLength
	for (const { bytes } of parts) {
		if (!bytes) continue
		body.set(bytes, at)
		at += bytes.byteLength
	}
	return { body, headers: { 'content-type': 'application/octet-stream', [headerLengthName]: String(json.byteLength) } }
}

/** A request for all outputs as binary data. */
export const encodeBinaryRequest = (inputs: Tensors): Message =>
	frame(
		{ parameters: { binary_data_output: true } },
		'inputs',
		Object.entries(inputs).map(([name, tensor]) => binaryPart(name, tensor)),
	)

export interface BinaryResponse {
	readonly outputs: Tensors
	readonly parameters: Readonly<Record<string, unknown>>
}

/** What stands before the data, if it is as the protocol says; whatever else it is does not get past `viewAs` and `checkTensor`. */
interface Head {
	parameters?: Record<string, unknown>
	outputs: { name: string; datatype: Datatype; shape: number[]; parameters: { binary_data_size: number } }[]
}

/**
 * Reads the answer to such a request.
 *
 * @throws SpillwayError `upstream` when it is not wholly as the protocol says.
 */
export function decodeBinaryResponse(body: Uint8Array, headerLength: string | null): BinaryResponse {
	try {
		let at = Number(headerLength)
		const head: Head = JSON.parse(fromUtf8(body.subarray(0, at)))
		const outputs = head.outputs.map(({ name, datatype, shape, parameters }): [string, Tensor] => {
			const start = at
			at += parameters.binary_data_size
			// A copy: aligned, and of its own, so that one tensor can be transferred without the others.
			const tensor = { datatype, shape, data: viewAs(datatype, body.slice(start, at)) }
			checkTensor(name, tensor)
			return [name, tensor]
		})
		if (at !== body.byteLength) throw new RangeError(`${at} bytes, not ${body.byteLength}`)
		return { outputs: Object.fromEntries(outputs), parameters: head.parameters ?? {} }
	} catch (error) {
		throw new SpillwayError('upstream', `the answer is malformed: ${messageOf(error)}`, { cause: error })
	}
}
