// The settings that say how a call becomes an HTTP request of a server, and how its answer is read.

import { z } from 'zod'
import { secret } from '../../config/fields.ts'
import { isPointer } from './pointer.ts'
import { faultOf, type Template } from './template.ts'

const pointer = z.string().refine(isPointer, 'must be a JSON Pointer such as /predictions; "" stands for the whole answer')

const template: z.ZodType<Template> = z.json().superRefine((value, context) => {
	const fault = faultOf(value)
	if (fault) context.addIssue({ code: 'custom', message: fault })
}) as z.ZodType<Template>

const path = z
	.string()
	.regex(/^\/[^?#]*(\?[^#]*)?$/, 'must begin with "/"')
	.refine(
		(value) => (value.match(/\{[^}]*\}/g) ?? []).every((part) => part === '{model}' || part === '{version}'),
		'may hold {model} and {version} only',
	)

const headerName = z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header: letters, digits and "-"')

/** What a header can hold; others would fail at each request. */
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be a text without line breaks, as a header can hold')

/** Texts in which an answer's embeddings stand, for servers that take texts. */
const embed = z.strictObject({
	/** The request's body; `$texts` stands for the list of texts. */
	body: template.default({ inputs: '$texts' }),
	/** Where in the answer the vectors stand: a list of lists of numbers. */
	vectors: pointer.default(''),
	/** Where the number of tokens stands; without it, the answer tells 0. */
	tokens: pointer.optional(),
})

/** Settings of a mapping, all of them with defaults, which presets change. */
export const mapping = {
	method: z.enum(['POST', 'PUT']).default('POST'),
	/** Added to the base address; `{model}` and `{version}` stand for the names there. */
	path: path.default('/'),
	/** Sent with every request; a secret by the name of its variable or binding. */
	headers: z.record(headerName, z.union([headerValue, secret], 'must be a text without line breaks, or { "env": "…" }')).default({}),
	/** The header that the key goes into; `Authorization` gets it as `Bearer`. */
	keyHeader: headerName.default('Authorization'),
	/** How tensors travel: as JSON (`body`, `outputs`), or as an Open Inference Protocol message, JSON or binary. */
	tensors: z.enum(['json', 'oip', 'oip-binary']).default('json'),
	/** The request's body, where `tensors` is `json`. */
	body: template.default({ instances: '$rows' }),
	/** Where in the answer the outputs stand: all of them in rows or columns, or each by its name. */
	outputs: z.union([pointer, z.record(z.string(), pointer)]).default('/predictions'),
	/** For servers that embed texts. */
	embed: embed.optional(),
	/** Asked with GET whether the server is up; without it, any answer below 500 at the base address counts. */
	health: path.optional(),
}

export type Mapping = z.output<z.ZodObject<typeof mapping>>

/** The mapping's settings with other defaults: what a preset is. */
export function preset(defaults: Partial<Mapping>): typeof mapping {
	const shape: Record<string, z.ZodType> = { ...mapping }
	for (const [name, value] of Object.entries(defaults)) {
		const field = shape[name] as z.ZodType
		const inner = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field
		shape[name] = inner.default(value)
	}
	return shape as typeof mapping
}
