// The answer of a declared mapping as outputs.

import type { Call, Output } from '../../../runtime/core/call.ts'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { fromStrictUtf8 } from '../../../runtime/core/utf8.ts'
import type { Exchange } from '../../../runtime/remote/exchange.ts'
import { decodeResponse, headerLengthName } from '../../../runtime/remote/oip.ts'
import { type Named, readColumns, readTensors } from '../../json/tensors.ts'
import { readNested } from '../../json/values.ts'
import type { ModelInterface } from '../../parts.ts'
import { jsonLengthOf } from '../sagemaker/triton.ts'
import type { Mapping } from './mapping.ts'
import { find } from './pointer.ts'

/**
 * Reads an answer.
 * @throws SpillwayError `upstream` when it is not what the mapping says.
 */
export function outputOf(call: Call, exchange: Exchange, mapping: Mapping, { task, outputs }: ModelInterface): Output {
	if (call.kind === 'tensors') return { kind: 'tensors', tensors: tensorsOf(exchange, mapping, outputs ?? []) }
	if (call.task !== 'embed' || !mapping.embed || task?.kind !== 'embed')
		throw new SpillwayError('unsupported', `no form is declared for ${call.task}`)
	const { vectors, tokens } = mapping.embed
	const answer = jsonOf(exchange)
	return {
		kind: 'embed',
		vectors: vectorsOf(find(answer, vectors), call.input.length, task.dimensions),
		tokens: tokens === undefined ? 0 : countOf(find(answer, tokens)),
	}
}

function tensorsOf({ headers, body }: Exchange, { tensors: form, outputs: places }: Mapping, specs: readonly Named[]): Tensors {
	if (form !== 'json') return decodeResponse(body, headers.get(headerLengthName) ?? jsonLengthOf(headers.get('content-type'))).outputs
	const answer = jsonOf({ headers, body })
	if (typeof places === 'string') {
		const found = find(answer, places)
		if (found === undefined) throw wrong(`nothing stands at "${places}"`)
		return readTensors(specs, found, 'upstream')
	}
	const columns = Object.entries(places).map(([name, place]) => [name, find(answer, place)] as const)
	const missing = columns.find(([, value]) => value === undefined)
	if (missing) throw wrong(`output "${missing[0]}" does not stand at "${places[missing[0]]}"`)
	return readColumns(specs, Object.fromEntries(columns), 'upstream')
}

function jsonOf({ body }: Exchange): unknown {
	try {
		return JSON.parse(fromStrictUtf8(body))
	} catch (error) {
		throw new SpillwayError('upstream', `the answer is no JSON: ${messageOf(error)}`, { cause: error })
	}
}

function vectorsOf(value: unknown, count: number, dimensions: number): Float32Array[] {
	const refuse = (why: string): never => {
		throw wrong(`the vectors: ${why}`)
	}
	const { shape, data } = readNested('FP32', value, refuse)
	if (shape.length !== 2 || shape[0] !== count || shape[1] !== dimensions) refuse(`are [${shape}], must be [${count},${dimensions}]`)
	return Array.from({ length: count }, (_, row) => data.slice(row * dimensions, (row + 1) * dimensions))
}

function countOf(value: unknown): number {
	if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong('the number of tokens is none')
	return value as number
}

const wrong = (why: string) => new SpillwayError('upstream', `the answer is not as declared: ${why}`)
