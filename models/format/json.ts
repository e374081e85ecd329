// From bytes to data that fits a schema; whatever is wrong is said with its exact place.

import type { z } from 'zod'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'

/** Something that does not fit: where, and why. */
export interface Problem {
	readonly path: readonly PropertyKey[]
	readonly message: string
}

/** More than these are counted, not listed. */
const listed = 8

/** Path as JavaScript would write it. @example pathOf(['files', 'w.bin', 'chunks', 0]) === 'files["w.bin"].chunks[0]' */
export function pathOf(path: readonly PropertyKey[]): string {
	return path.reduce<string>((text, step) => {
		if (typeof step === 'number') return `${text}[${step}]`
		const name = String(step)
		if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${text}[${JSON.stringify(name)}]`
		return text ? `${text}.${name}` : name
	}, '')
}

/** The problems as one `malformed` error. @param what what they were found in, e.g. `'manifest'`. */
export function malformed(what: string, problems: readonly Problem[]): SpillwayError {
	const lines = problems.slice(0, listed).map(({ path, message }) => (path.length ? `${pathOf(path)}: ${message}` : message))
	if (problems.length > listed) lines.push(`and ${problems.length - listed} more`)
	return new SpillwayError('malformed', `${what}: ${lines.join('; ')}`)
}

/**
 * Reads UTF-8 JSON and checks it.
 *
 * @param what names the document in messages.
 * @throws SpillwayError `malformed`, with the path of each problem.
 */
export function readJson<S extends z.ZodType>(what: string, schema: S, bytes: Uint8Array): z.infer<S> {
	let data: unknown
	try {
		data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
	} catch (cause) {
		throw new SpillwayError('malformed', `${what}: is no JSON: ${messageOf(cause)}`, { cause })
	}
	const result = schema.safeParse(data)
	if (!result.success) throw malformed(what, problemsOf(result.error.issues))
	return result.data
}

/** zod's issues as problems; an undeclared member is named at its own place. */
function problemsOf(issues: readonly z.core.$ZodIssue[]): Problem[] {
	return issues.flatMap((issue) => {
		if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'is not known here' }))
		if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path: issue.path, message: `as a name: ${message}` }))
		const message = issue.message.replace(/^Invalid input: /, '')
		return [{ path: issue.path, message: message.endsWith('received undefined') ? 'is missing' : message }]
	})
}
