// The forms in which JSON holds a call where a protocol leaves that to the model: told by what stands in it, answered in the same form.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { Tensor, Tensors } from '../../runtime/core/tensor.ts'
import { type Named, readColumns, readRows, readTensors, writeColumns, writeRows } from './tensors.ts'
import { writeNested } from './values.ts'

/** What was asked, and how its answer is written. */
export type Asked =
	| { readonly kind: 'tensors'; readonly tensors: Tensors; write(outputs: Tensors): string }
	/** `write` takes one vector for each text, [texts, dimensions]. */
	| { readonly kind: 'texts'; readonly texts: readonly string[]; write(vectors: Tensor): string }
	/** An Open Inference Protocol message, which has a reader of its own. */
	| { readonly kind: 'oip' }

export interface Reader {
	/** The model's inputs; null when they are not known: then only an Open Inference Protocol message tells its tensors. */
	readonly inputs: readonly Named[] | null
	/** Whether the model takes texts. */
	readonly embeds: boolean
}

/** For errors. */
const known = '"instances" (rows), "inputs" (columns, or an Open Inference Protocol request) or "input_data"'

/**
 * Reads a call:
 * - `{"instances": […]}`, rows, is answered by `{"predictions": […]}`;
 * - `{"inputs": {…}}`, columns, by `{"outputs": {…}}`, or the bare output where there is one;
 * - `{"input_data": …}`, rows or columns as Azure ML has them, by the bare outputs;
 * - for models that take texts: texts in `instances` by vectors in `predictions`, in `inputs` by a bare list of vectors.
 *
 * @throws SpillwayError `invalid-input` for another form, or tensors that the model does not have.
 */
export function readForm(value: unknown, { inputs: specs, embeds }: Reader): Asked {
	if (!isObject(value)) throw new SpillwayError('invalid-input', `the body must be a JSON object with ${known}`)
	const given = ['instances', 'inputs', 'input_data'].filter((name) => value[name] !== undefined)
	if (given.length !== 1) throw new SpillwayError('invalid-input', `the body must have one of ${known}`)
	const { instances, inputs, input_data: data } = value

	if (isMessage(inputs)) return { kind: 'oip' }
	if (embeds && isTexts(instances)) return texts(instances, (vectors) => `{"predictions":${vectors}}`)
	if (embeds && isTexts(inputs)) return texts(inputs, (vectors) => vectors)
	if (embeds && typeof inputs === 'string') return texts([inputs], (vectors) => vectors)

	if (!specs) throw new SpillwayError('invalid-input', "the model's inputs are not known here; send an Open Inference Protocol request")
	if (instances !== undefined) {
		if (!Array.isArray(instances)) throw new SpillwayError('invalid-input', '"instances" must be a list with one entry for each row')
		const tensors = readRows(specs, instances, 'invalid-input')
		return { kind: 'tensors', tensors, write: (outputs) => `{"predictions":${writeRows(outputs)}}` }
	}
	if (data !== undefined) return { kind: 'tensors', tensors: readTensors(specs, data, 'invalid-input'), write: writeBare }
	const tensors = readColumns(specs, inputs, 'invalid-input')
	return { kind: 'tensors', tensors, write: (outputs) => `{"outputs":${writeBare(outputs)}}` }
}

/** Of several outputs columns, of one its values. */
function writeBare(outputs: Tensors): string {
	const [only, ...others] = Object.entries(outputs)
	return only && others.length === 0 ? nested(...only) : writeColumns(outputs)
}

const texts = (given: readonly string[], wrap: (vectors: string) => string): Asked => ({
	kind: 'texts',
	texts: given,
	write: (vectors) => wrap(nested('embedding', vectors)),
})

const nested = (name: string, tensor: Tensor): string =>
	writeNested(tensor, (why) => {
		throw new SpillwayError('unsupported', `${JSON.stringify(name)}: ${why}`)
	})

const isTexts = (value: unknown): value is string[] =>
	Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string')

/** Its inputs are a list of tensors, each with a datatype. */
const isMessage = (inputs: unknown): boolean => Array.isArray(inputs) && inputs.some((item) => isObject(item) && 'datatype' in item)

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
