// The Open Inference Protocol over REST, with its binary tensor extension: requests and responses, both ways.
// https://github.com/kserve/open-inference-protocol, https://github.com/triton-inference-server/server (extension_binary_data)

import { bytesPerElement, isDatatype, viewAs } from '../core/datatype.ts'
import { type ErrorCode, messageOf, SpillwayError } from '../core/error.ts'
import { checkTensor, elements, type Tensor, type Tensors } from '../core/tensor.ts'
import { fromStrictUtf8 } from '../core/utf8.ts'
import { binaryPart, frame, type Message, type Part } from './oip-binary.ts'
import { quote, readJson, writeJson } from './oip-json.ts'

export { headerLengthName, inferPath, type Message } from './oip-binary.ts'

export type Parameters = Readonly<Record<string, unknown>>

export interface RequestedOutput {
	readonly name: string
	readonly binary: boolean
}

export interface InferRequest {
	/** Given back in the response. */
	readonly id?: string
	readonly inputs: Tensors
	/** Absent: all outputs of the model. */
	readonly outputs?: readonly RequestedOutput[]
	/** Whether outputs that are not listed come as binary data. */
	readonly binaryOutput: boolean
	/** What the standard leaves to servers (`timeout`, `priority`, …); unknown ones may be ignored. */
	readonly parameters?: Parameters
}

export interface InferResponse {
	readonly model: string | null
	readonly version: string | null
	readonly id?: string
	readonly outputs: Tensors
	readonly parameters?: Parameters
}

/** Which code each kind of fault gets: a bad request is the caller's fault, a bad response the server's. */
interface Codes {
	readonly envelope: ErrorCode
	readonly tensor: ErrorCode
	readonly truncated: ErrorCode
}
const ofRequest: Codes = { envelope: 'malformed', tensor: 'invalid-input', truncated: 'malformed' }
const ofResponse: Codes = { envelope: 'upstream', tensor: 'upstream', truncated: 'network' }

/** More axes than any model has. */
const maxRank = 32

/**
 * Writes a request.
 *
 * @param options.binary inputs as binary data (default), or as JSON for servers without the extension.
 * @throws SpillwayError `unsupported` when JSON cannot carry an input (FP16, BF16, NaN, infinities).
 * @example const { body, headers } = encodeRequest({ inputs: { x: tensor("FP32", [1], Float32Array.of(1)) }, binaryOutput: true })
 */
export function encodeRequest(request: InferRequest, { binary = true } = {}): Message {
	const outputs = request.outputs?.map((output) => ({ name: output.name, parameters: { binary_data: output.binary } }))
	const parameters = { ...request.parameters, ...(request.binaryOutput && { binary_data_output: true }) }
	const head = {
		...(request.id !== undefined && { id: request.id }),
		...(Object.keys(parameters).length > 0 && { parameters }),
		...(outputs && { outputs }),
	}
	const part = binary ? binaryPart : jsonPart
	return frame(
		head,
		'inputs',
		Object.entries(request.inputs).map(([name, tensor]) => part(name, tensor)),
	)
}

/**
 * Reads a request.
 *
 * @param body the whole body, decompressed.
 * @param headerLength value of `Inference-Header-Content-Length`, or null when the request has none (all JSON).
 * @throws SpillwayError `malformed` (no JSON, lengths that do not fit), `invalid-input` (a tensor does not fit its shape or datatype;
 *   integers beyond 2^53 in JSON, which are exact only as binary data), `unsupported` (BYTES, classification, shared memory).
 */
export function decodeRequest(body: Uint8Array, headerLength: string | null): InferRequest {
	const { head, binary } = unframe(body, headerLength, ofRequest)
	const parameters = parametersOf(head.parameters, ofRequest)
	const binaryOutput = parameters?.binary_data_output === true
	const outputs = readOutputs(head.outputs ?? [], binaryOutput)
	return {
		...idOf(head, ofRequest),
		...(parameters && { parameters }),
		...(outputs.length > 0 && { outputs }),
		binaryOutput,
		inputs: readTensors(head.inputs, 'inputs', binary, ofRequest),
	}
}

/**
 * Writes a response with the outputs that were asked for, each in the form that was asked for.
 *
 * @param asked the request's `outputs` and `binaryOutput`.
 * @throws SpillwayError `invalid-input` when an output was asked for that the model does not have; `unsupported` when JSON cannot carry one.
 */
export function encodeResponse(response: InferResponse, asked: Pick<InferRequest, 'outputs' | 'binaryOutput'>): Message {
	const form = new Map(asked.outputs?.map(({ name, binary }) => [name, binary]))
	const names = asked.outputs ? [...form.keys()] : Object.keys(response.outputs)
	const parts = names.map((name) => {
		const found = Object.hasOwn(response.outputs, name) ? response.outputs[name] : undefined
		if (!found)
			throw new SpillwayError('invalid-input', `no output ${quote(name)}; there are ${Object.keys(response.outputs).map(quote).join(', ')}`)
		return (form.get(name) ?? asked.binaryOutput) ? binaryPart(name, found) : jsonPart(name, found)
	})
	const head = {
		...(response.model !== null && { model_name: response.model }),
		...(response.version !== null && { model_version: response.version }),
		...(response.id !== undefined && { id: response.id }),
		...(response.parameters && { parameters: response.parameters }),
	}
	return frame(head, 'outputs', parts)
}

/**
 * Reads a response. Parameters as for {@link decodeRequest}.
 *
 * @throws SpillwayError `network` when the body is shorter than it says, `upstream` when it is otherwise wrong, `unsupported` for BYTES.
 */
export function decodeResponse(body: Uint8Array, headerLength: string | null): InferResponse {
	const { head, binary } = unframe(body, headerLength, ofResponse)
	const parameters = parametersOf(head.parameters, ofResponse)
	const text = (value: unknown) => (typeof value === 'string' ? value : null)
	return {
		model: text(head.model_name),
		version: text(head.model_version),
		...idOf(head, ofResponse),
		...(parameters && { parameters }),
		outputs: readTensors(head.outputs, 'outputs', binary, ofResponse),
	}
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Written by hand: JSON.stringify takes no BigInt, and turns NaN into null. */
function jsonPart(name: string, tensor: Tensor): Part {
	checkTensor(name, tensor)
	const { datatype, shape } = tensor
	const refuse = (why: string): never => {
		throw new SpillwayError('unsupported', `${name}: ${why}`)
	}
	return { json: `${JSON.stringify({ name, shape, datatype }).slice(0, -1)},"data":${writeJson(tensor, refuse)}}` }
}

function unframe(body: Uint8Array, headerLength: string | null, codes: Codes): { head: Json; binary: Uint8Array } {
	if (headerLength !== null && !/^\d{1,15}$/.test(headerLength.trim()))
		throw new SpillwayError(codes.envelope, `Inference-Header-Content-Length ${quote(headerLength)} is no number of bytes`)
	const length = headerLength === null ? body.byteLength : Number(headerLength)
	if (length > body.byteLength)
		throw new SpillwayError(codes.truncated, `Inference-Header-Content-Length is ${length}, but the body has only ${body.byteLength} bytes`)
	let head: unknown
	try {
		head = JSON.parse(fromStrictUtf8(body.subarray(0, length)))
	} catch (error) {
		throw new SpillwayError(codes.envelope, `the body is no JSON: ${messageOf(error)}`, { cause: error })
	}
	if (!isObject(head)) throw new SpillwayError(codes.envelope, 'the body must be a JSON object')
	return { head, binary: body.subarray(length) }
}

function readTensors(list: unknown, key: string, binary: Uint8Array, codes: Codes): Tensors {
	if (!Array.isArray(list)) throw new SpillwayError(codes.envelope, `"${key}" must be an array of tensors`)
	const tensors = new Map<string, Tensor>()
	let at = 0
	for (const item of list) {
		const name = isObject(item) ? item.name : undefined
		if (!isObject(item) || typeof name !== 'string' || name === '')
			throw new SpillwayError(codes.envelope, `each of "${key}" must be an object with a "name"`)
		if (tensors.has(name)) throw new SpillwayError(codes.tensor, `${quote(name)} is given twice`)
		const size = parametersOf(item.parameters, codes)?.binary_data_size ?? undefined
		const bytes = size === undefined ? undefined : take(name, size)
		tensors.set(name, readTensor(name, item, bytes, codes))
	}
	if (at !== binary.byteLength)
		throw new SpillwayError(codes.envelope, `${binary.byteLength - at} bytes of binary data belong to none of "${key}"`)
	// fromEntries makes own properties, also of a tensor called __proto__.
	return Object.fromEntries(tensors)

	function take(name: string, size: unknown): Uint8Array {
		if (!Number.isSafeInteger(size) || (size as number) < 0)
			throw new SpillwayError(codes.tensor, `${quote(name)}: binary_data_size must be a number of bytes`)
		const end = at + (size as number)
		if (end > binary.byteLength)
			throw new SpillwayError(codes.truncated, `${quote(name)}: ${size} bytes announced, ${binary.byteLength - at} are there`)
		// A copy: aligned, and of its own, so that one tensor can be transferred without the others.
		const bytes = new Uint8Array(binary.subarray(at, end))
		at = end
		return bytes
	}
}

function readTensor(name: string, item: Json, bytes: Uint8Array | undefined, codes: Codes): Tensor {
	const refuse = (why: string, code = codes.tensor): never => {
		throw new SpillwayError(code, `${quote(name)}: ${why}`)
	}
	const { datatype, shape, data } = item
	if (datatype === 'BYTES') return refuse('BYTES tensors (strings) are not supported; send numbers, or text to a task', 'unsupported')
	if (!isDatatype(datatype)) return refuse(`unknown datatype ${quote(datatype)}`)
	if (!isShape(shape)) return refuse(`"shape" must be an array of up to ${maxRank} sizes, 0 or more`)
	if (isObject(item.parameters) && 'shared_memory_region' in item.parameters) refuse('shared memory is not supported', 'unsupported')
	if (bytes === undefined) return readJson(datatype, shape, data, refuse)
	if (data !== undefined && data !== null) refuse('has both "data" and "binary_data_size"; give one')
	const expected = elements(shape) * bytesPerElement(datatype)
	if (bytes.byteLength !== expected)
		refuse(`shape [${shape}] of ${datatype} takes ${expected} bytes, binary_data_size is ${bytes.byteLength}`)
	if (datatype === 'BOOL' && bytes.some((byte) => byte > 1)) refuse('BOOL bytes must be 0 or 1')
	return { datatype, shape, data: viewAs(datatype, bytes) }
}

const isShape = (shape: unknown): shape is number[] =>
	Array.isArray(shape) && shape.length <= maxRank && shape.every((size) => Number.isSafeInteger(size) && size >= 0)

function readOutputs(list: unknown, binaryOutput: boolean): RequestedOutput[] {
	if (!Array.isArray(list)) throw new SpillwayError('malformed', '"outputs" must be an array')
	return list.map((item) => {
		if (!isObject(item) || typeof item.name !== 'string') throw new SpillwayError('malformed', 'each of "outputs" needs a "name"')
		const parameters = parametersOf(item.parameters, ofRequest)
		// Ignoring these would give other data than was asked for, or elsewhere.
		if (parameters && ('classification' in parameters || 'shared_memory_region' in parameters))
			throw new SpillwayError('unsupported', `${quote(item.name)}: classification and shared memory outputs are not supported`)
		const binary = parameters?.binary_data
		return { name: item.name, binary: binary === undefined ? binaryOutput : binary === true }
	})
}

function parametersOf(value: unknown, codes: Codes): Parameters | undefined {
	// Clients built on pydantic write null for what is not there.
	if (value === undefined || value === null) return undefined
	if (isObject(value)) return value
	throw new SpillwayError(codes.envelope, '"parameters" must be an object')
}

function idOf(head: Json, codes: Codes): { id?: string } {
	if (head.id === undefined || head.id === null) return {}
	if (typeof head.id !== 'string') throw new SpillwayError(codes.envelope, '"id" must be a string')
	return { id: head.id }
}
