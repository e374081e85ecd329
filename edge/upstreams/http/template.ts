// The body of a request as the configuration declares it: JSON in which some texts stand for what the call holds.

import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Tensors } from '../../../runtime/core/tensor.ts'
import { writeColumns, writeRows } from '../../json/tensors.ts'
import { writeNested } from '../../json/values.ts'

/** What can stand in a template. */
export type Template = string | number | boolean | null | readonly Template[] | { readonly [name: string]: Template }

/** What a template is filled with. */
export interface Values {
	/** As it is called there. */
	readonly model: { readonly name: string; readonly version?: string | undefined }
	readonly tensors?: Tensors
	readonly texts?: readonly string[]
}

const words = ['$rows', '$columns', '$texts', '$model', '$version'] as const
const ofInput = /^\$(input|shape|datatype)\.(.+)$/

/**
 * What is wrong with a template, or undefined. Texts that begin with `$` stand for something; `$$` begins one that stands for itself.
 */
export function faultOf(template: Template): string | undefined {
	if (typeof template === 'string') {
		if (!template.startsWith('$') || template.startsWith('$$') || ofInput.test(template)) return undefined
		if ((words as readonly string[]).includes(template)) return undefined
		return `"${template}" stands for nothing; there are ${words.join(', ')}, $input.<name>, $shape.<name>, $datatype.<name>`
	}
	if (typeof template !== 'object' || template === null) return undefined
	return Object.values(template)
		.map(faultOf)
		.find((fault) => fault !== undefined)
}

/** Names of the inputs that a template asks for one by one. */
export function inputsIn(template: Template): string[] {
	if (typeof template === 'string') return ofInput.exec(template)?.[2] === undefined ? [] : [ofInput.exec(template)?.[2] as string]
	if (typeof template !== 'object' || template === null) return []
	return Object.values(template).flatMap(inputsIn)
}

/**
 * Writes the body. Numbers keep all their digits.
 *
 * @throws SpillwayError `unsupported` when JSON cannot carry a tensor (FP16, BF16, NaN, infinities); `invalid-input` when the call lacks
 *   an input that the template names.
 * @example fill({ instances: '$rows' }, { model: { name: 'm' }, tensors }) // '{"instances":[[1,2,3,4]]}'
 */
export function fill(template: Template, values: Values): string {
	if (typeof template === 'string') return fillText(template, values)
	if (Array.isArray(template)) return `[${template.map((part) => fill(part, values)).join(',')}]`
	if (typeof template !== 'object' || template === null) return JSON.stringify(template)
	return `{${Object.entries(template)
		.map(([name, part]) => `${JSON.stringify(name)}:${fill(part, values)}`)
		.join(',')}}`
}

function fillText(text: string, { model, tensors = {}, texts = [] }: Values): string {
	switch (text) {
		case '$rows':
			return writeRows(tensors)
		case '$columns':
			return writeColumns(tensors)
		case '$texts':
			return JSON.stringify(texts)
		case '$model':
			return JSON.stringify(model.name)
		case '$version':
			return JSON.stringify(model.version ?? null)
	}
	const [, what, name] = ofInput.exec(text) ?? []
	if (name === undefined) return JSON.stringify(text.startsWith('$$') ? text.slice(1) : text)
	const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined
	if (!tensor) throw new SpillwayError('invalid-input', `input ${JSON.stringify(name)} is missing`)
	if (what === 'shape') return JSON.stringify(tensor.shape)
	if (what === 'datatype') return JSON.stringify(tensor.datatype)
	return writeNested(tensor, (why) => {
		throw new SpillwayError('unsupported', `${JSON.stringify(name)}: ${why}`)
	})
}
