// Classify and regress: examples with features by name to rows of tensors, and the one output to labels with scores, or values.
// https://www.tensorflow.org/tfx/serving/api_rest#classify_and_regress_api

import type { TensorSpec } from '../../../models/format/manifest.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { writeElements } from '../../../runtime/remote/oip-json.ts'
import { readRows } from '../../json/tensors.ts'
import type { ModelInterface } from '../../parts.ts'
import { objectOf } from './predict.ts'
import { checkSignature } from './signature.ts'

export type Method = 'classify' | 'regress'

/**
 * Reads a request: features of `context` belong to every example.
 *
 * @param specs the model's inputs, each a feature with one value or a list of them for each example.
 * @throws SpillwayError `invalid-input`, naming what does not fit; `unsupported` when inputs are no features.
 */
export function readExamples(body: unknown, method: Method, specs: readonly TensorSpec[]): Tensors {
	const { examples, context = {}, signature_name } = objectOf(body)
	checkSignature(signature_name, `tensorflow/serving/${method}`)
	if (!Array.isArray(examples) || examples.length === 0)
		throw new SpillwayError('invalid-input', '"examples" must be a list with at least one example')
	const deep = specs.find(({ shape }) => shape.length < 1 || shape.length > 2)
	if (deep) throw new SpillwayError('unsupported', `"${deep.name}" [${deep.shape}] is no feature of an example; use :predict`)
	const shared = objectOf(context)
	const rows = examples.map((example) => {
		const features = { ...shared, ...objectOf(example) }
		return Object.fromEntries(Object.entries(features).map(([name, value]) => [name, asFeature(specs, name, value)]))
	})
	return readRows(specs, rows, 'invalid-input')
}

/** A feature of one value may come bare or as a list, whatever the model takes. */
function asFeature(specs: readonly TensorSpec[], name: string, value: unknown): unknown {
	const listed = specs.find((spec) => spec.name === name)?.shape.length === 2
	if (listed) return Array.isArray(value) ? value : [value]
	return Array.isArray(value) && value.length === 1 ? value[0] : value
}

/**
 * Whether the model does that: it must have one output of floats, for `regress` one value for each row, for `classify` a score for each class.
 * @throws SpillwayError `unsupported`.
 */
export function checkMethod(method: Method, name: string, { task, outputs }: ModelInterface): void {
	const [output, ...others] = outputs ?? []
	const [, columns = 1, ...deeper] = output?.shape ?? []
	const floats = output?.datatype === 'FP32' || output?.datatype === 'FP64'
	const one = output !== undefined && others.length === 0 && output.shape.length > 0 && deeper.length === 0 && floats && task === null
	if (one && (method === 'regress' ? columns === 1 : output.shape.length === 2)) return
	const needed = method === 'regress' ? 'one value for each row' : 'a score for each class, row by row'
	throw new SpillwayError('unsupported', `model "${name}" does not ${method}: its only output would have to be ${needed}; use :predict`)
}

/**
 * Writes the answer. Manifests name no classes: labels are empty, scores stand in the order of the output.
 * @throws SpillwayError `unsupported` when JSON cannot carry a value.
 */
export function writeResults(method: Method, outputs: Tensors): string {
	const [[name, tensor] = ['', undefined]] = Object.entries(outputs)
	if (!tensor) throw new SpillwayError('internal', 'there is no output')
	const texts = writeElements(tensor, (why): never => {
		throw new SpillwayError('unsupported', `${JSON.stringify(name)}: ${why}`)
	})
	if (method === 'regress') return `{"results":[${texts.join(',')}]}`
	const [rows = 0, classes = 0] = tensor.shape
	const results = Array.from({ length: rows }, (_, row) => texts.slice(row * classes, (row + 1) * classes).map((score) => `["",${score}]`))
	return `{"results":[${results.map((scores) => `[${scores.join(',')}]`).join(',')}]}`
}
