// A JSON body against a schema, with errors that say where.

import type { z } from 'zod'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { fromStrictUtf8 } from '../../runtime/core/utf8.ts'

/**
 * Parses bytes as JSON.
 * @throws SpillwayError `malformed` when they are no UTF-8 or no JSON.
 */
export function parseJson(body: Uint8Array): unknown {
	try {
		return JSON.parse(fromStrictUtf8(body))
	} catch (error) {
		throw new SpillwayError('malformed', `the body is no JSON: ${messageOf(error)}`, { cause: error })
	}
}

/**
 * Checks a parsed body.
 * @throws SpillwayError `invalid-input`, naming up to three places and what is wrong there.
 */
export function checkJson<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
	const result = schema.safeParse(value)
	if (result.success) return result.data
	const issues = result.error.issues.slice(0, 3).map(({ path, message }) => `${path.length > 0 ? path.join('.') : 'body'}: ${message}`)
	throw new SpillwayError('invalid-input', issues.join('; '))
}
