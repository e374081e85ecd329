// A model's tensors as JSON in rows (a list, one entry for each along the first axis) or in columns (an object, by name).
// The words are TensorFlow Serving's: https://www.tensorflow.org/tfx/serving/api_rest#predict_api

import type { TensorSpec } from '../../models/format/manifest.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Tensor, Tensors } from '../../runtime/core/tensor.ts'
import type { Refuse } from '../../runtime/remote/oip-json.ts'
import { readNested, writeNested, writeParts } from './values.ts'

/** What a tensor is read from: its name and datatype. */
export type Named = Pick<TensorSpec, 'name' | 'datatype'>

/**
 * Writes columns: `{"a":[[…]],"b":[[…]]}`.
 * @throws SpillwayError `unsupported` when JSON cannot carry a tensor.
 */
export function writeColumns(tensors: Tensors): string {
	const columns = Object.entries(tensors).map(([name, tensor]) => `${JSON.stringify(name)}:${writeNested(tensor, unsupported(name))}`)
	return `{${columns.join(',')}}`
}

/**
 * Writes rows: of one tensor its bare values (`[[1,2],[3,4]]`), of several objects (`[{"a":1,"b":2},…]`).
 * @throws SpillwayError `unsupported` when JSON cannot carry a tensor, or they differ in their number of rows.
 */
export function writeRows(tensors: Tensors): string {
	const columns = Object.entries(tensors).map(([name, tensor]) => [name, writeParts(tensor, unsupported(name))] as const)
	const [first] = columns
	if (!first) return '[]'
	if (columns.length === 1) return `[${first[1].join(',')}]`
	for (const [name, parts] of columns)
		if (parts.length !== first[1].length) unsupported(name)(`has ${parts.length} rows, "${first[0]}" has ${first[1].length}`)
	const rows = first[1].map((_, row) => `{${columns.map(([name, parts]) => `${JSON.stringify(name)}:${parts[row]}`).join(',')}}`)
	return `[${rows.join(',')}]`
}

/**
 * Reads rows or columns, whichever it is: a list is rows, and an object columns; for a model with one tensor, a list may be that tensor.
 *
 * @param specs the tensors that are to be there.
 * @param code of the error: `invalid-input` for a caller's values, `upstream` for a server's.
 * @throws SpillwayError `code`, naming the tensor and what is wrong with it.
 */
export function readTensors(specs: readonly Named[], value: unknown, code: ErrorCode): Tensors {
	return Array.isArray(value) ? readRows(specs, value, code) : readColumns(specs, value, code)
}

/** Reads rows; as {@link readTensors}. */
export function readRows(specs: readonly Named[], rows: readonly unknown[], code: ErrorCode): Tensors {
	const [only] = specs
	const bare = specs.length === 1 && only !== undefined && !rows.some((row) => isObject(row))
	if (bare) return { [only.name]: read(only, rows, code) }
	const known = new Set(specs.map(({ name }) => name))
	for (const [at, row] of rows.entries()) {
		if (!isObject(row)) throw new SpillwayError(code, `row ${at} must be an object with ${list(specs)}`)
		checkNames(row, known, specs, code)
	}
	return columnsOf(
		specs,
		(spec) =>
			rows.map((row, at) => {
				if (!Object.hasOwn(row as object, spec.name)) throw new SpillwayError(code, `row ${at} lacks ${JSON.stringify(spec.name)}`)
				return (row as Record<string, unknown>)[spec.name]
			}),
		code,
	)
}

/** Reads columns, or the bare value of a model with one tensor; as {@link readTensors}. */
export function readColumns(specs: readonly Named[], value: unknown, code: ErrorCode): Tensors {
	const [only] = specs
	if (!isObject(value)) {
		if (specs.length === 1 && only !== undefined) return { [only.name]: read(only, value, code) }
		throw new SpillwayError(code, `must be an object with ${list(specs)}`)
	}
	checkNames(value, new Set(specs.map(({ name }) => name)), specs, code)
	return columnsOf(
		specs,
		({ name }) => {
			if (!Object.hasOwn(value, name)) throw new SpillwayError(code, `${JSON.stringify(name)} is missing; there must be ${list(specs)}`)
			return value[name]
		},
		code,
	)
}

/** fromEntries makes own properties, also of a tensor called __proto__. */
const columnsOf = (specs: readonly Named[], pick: (spec: Named) => unknown, code: ErrorCode): Tensors =>
	Object.fromEntries(specs.map((spec) => [spec.name, read(spec, pick(spec), code)]))

function read({ name, datatype }: Named, value: unknown, code: ErrorCode): Tensor {
	return readNested(datatype, value, (why): never => {
		throw new SpillwayError(code, `${JSON.stringify(name)}: ${why}`)
	})
}

function checkNames(value: Record<string, unknown>, known: ReadonlySet<string>, specs: readonly Named[], code: ErrorCode): void {
	const other = Object.keys(value).find((name) => !known.has(name))
	// A caller's typing mistake would go unnoticed; a server may tell more than it is asked for.
	if (other !== undefined && code !== 'upstream')
		throw new SpillwayError(code, `${JSON.stringify(other.slice(0, 80))} is not known; there must be ${list(specs)}`)
}

const unsupported =
	(name: string): Refuse =>
	(why) => {
		throw new SpillwayError('unsupported', `${JSON.stringify(name)}: ${why}`)
	}

const list = (specs: readonly Named[]): string => specs.map(({ name, datatype }) => `${JSON.stringify(name)} ${datatype}`).join(', ')

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
