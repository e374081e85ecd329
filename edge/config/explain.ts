// What is wrong with a configuration, for the person who wrote it: where, what, and what to do.

import { z } from 'zod'
import { nearest } from './nearest.ts'
import { configSchema } from './schema.ts'
import { unwrap } from './settings.ts'

/** One line for each fault: `limits.bodyBytes: must be a number, is a string`. */
export const explain = (error: z.ZodError): string[] => error.issues.flatMap(explainIssue)

function explainIssue(issue: z.core.$ZodIssue): string[] {
	if (issue.code === 'unrecognized_keys') {
		const known = namesAt(issue.path)
		const list = known.length > 0 ? ` (there are: ${known.join(', ')})` : ''
		const why = (key: string) => (known.includes(key) ? ' of this kind' : nearest(key, known, 'did you mean') || list)
		return issue.keys.map((key) => `${show([...issue.path, key])}: is no setting${why(key)}`)
	}
	const where = show(issue.path)
	if (issue.code === 'invalid_key') return [`${where}: ${issue.issues.map(({ message }) => message).join('; ')}`]
	const missing = issue.input === undefined ? 'is missing; it ' : ''
	if (issue.code === 'invalid_type') return [`${where}: ${missing}must be ${article(issue.expected)}`]
	if (issue.code === 'too_small') return [`${where}: must be at least ${issue.minimum}`]
	if (issue.code === 'too_big') return [`${where}: must be at most ${issue.maximum}`]
	if (issue.code === 'invalid_union' && issue.discriminator)
		return [`${where}: ${missing}must be ${kindsAt(issue.path.slice(0, -1), issue.discriminator).join(' or ')}`]
	if (issue.code === 'invalid_value')
		return [`${where}: ${missing}must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`]
	return [`${where}: ${issue.message}`]
}

/** `upstreams[0].url`. */
export const show = (path: readonly PropertyKey[]): string =>
	path
		.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
		.join('')
		.replace(/^\./, '') || 'the configuration'

const article = (type: string): string => (type === 'int' ? 'a whole number' : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

/** Names of the settings at a path; of all kinds where there are several. */
function namesAt(path: readonly PropertyKey[]): string[] {
	return [...new Set(schemasAt(path).flatMap(({ shape }) => Object.keys(shape)))]
}

/** What a setting that decides between several kinds may be. */
const kindsAt = (path: readonly PropertyKey[], name: string): string[] =>
	schemasAt(path).flatMap(({ shape }) => {
		const kind = shape[name]
		return kind instanceof z.ZodLiteral ? [...kind.values].map((value) => JSON.stringify(value)) : []
	})

function schemasAt(path: readonly PropertyKey[]): z.ZodObject[] {
	let schemas = kinds(configSchema)
	for (const part of path)
		schemas = schemas.flatMap((schema) => {
			if (schema instanceof z.ZodObject) return kinds(schema.shape[String(part)])
			if (schema instanceof z.ZodArray) return kinds(schema.element)
			return schema instanceof z.ZodRecord ? kinds(schema.valueType) : []
		})
	return schemas.filter((schema) => schema instanceof z.ZodObject)
}

/** The schema without its defaults; each of the kinds where it is one of several. */
function kinds(schema: unknown): unknown[] {
	const inner = unwrap(schema)
	return inner instanceof z.ZodUnion ? inner.options.flatMap(kinds) : [inner]
}
