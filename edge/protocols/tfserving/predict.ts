// The body of a predict request to tensors, and tensors to the body of its answer, in the form that was asked in: rows or columns.
// https://www.tensorflow.org/tfx/serving/api_rest#predict_api

import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { type Named, readColumns, readRows, writeColumns, writeRows } from '../../json/tensors.ts'
import { writeNested } from '../../json/values.ts'
import { checkSignature } from './signature.ts'

/** `instances` is a list with an entry for each row, `inputs` the tensors by name. */
export type Form = 'instances' | 'inputs'

export interface PredictRequest {
	readonly form: Form
	readonly tensors: Tensors
}

/**
 * Reads a request. Members that TensorFlow Serving does not know are ignored, as it does.
 *
 * @param specs the model's inputs: JSON tells no datatypes.
 * @throws SpillwayError `invalid-input`, naming the input or the member and what is wrong with it.
 */
export function readPredict(body: unknown, specs: readonly Named[]): PredictRequest {
	const { instances, inputs, signature_name } = objectOf(body)
	checkSignature(signature_name)
	if ((instances === undefined) === (inputs === undefined))
		throw new SpillwayError('invalid-input', 'give "instances" (a list of rows) or "inputs" (tensors by name), one of them')
	if (inputs !== undefined) return { form: 'inputs', tensors: readColumns(specs, inputs, 'invalid-input') }
	if (!Array.isArray(instances) || instances.length === 0)
		throw new SpillwayError('invalid-input', '"instances" must be a list with at least one row')
	return { form: 'instances', tensors: readRows(specs, instances, 'invalid-input') }
}

/**
 * Writes the answer: `{"predictions":…}` in rows, `{"outputs":…}` in columns. A single output comes without its name.
 * @throws SpillwayError `unsupported` when JSON cannot carry an output (FP16, BF16, NaN, infinities), or rows differ in number.
 */
export function writePredict(form: Form, outputs: Tensors): string {
	if (form === 'instances') return `{"predictions":${writeRows(outputs)}}`
	const [only, ...others] = Object.entries(outputs)
	if (!only || others.length > 0) return `{"outputs":${writeColumns(outputs)}}`
	const [name, tensor] = only
	const refuse = (why: string): never => {
		throw new SpillwayError('unsupported', `${JSON.stringify(name)}: ${why}`)
	}
	return `{"outputs":${writeNested(tensor, refuse)}}`
}

/** @throws SpillwayError `invalid-input` when it is none. */
export function objectOf(body: unknown): Readonly<Record<string, unknown>> {
	if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
	throw new SpillwayError('invalid-input', 'the body must be a JSON object')
}
