// Signatures: a model here has one, under TensorFlow's name for it.

import { SpillwayError } from '../../../runtime/core/error.ts'

/** What TensorFlow calls a model's signature unless its maker gives another name. */
export const servingDefault = 'serving_default'

/**
 * @param name as the request has it; absent or empty for the default.
 * @param others names that are good for the method that was called.
 * @throws SpillwayError `invalid-input` for any other: another signature would be another answer.
 */
export function checkSignature(name: unknown, ...others: string[]): void {
	if (name === undefined || name === '' || [servingDefault, ...others].includes(name as string)) return
	if (typeof name !== 'string') throw new SpillwayError('invalid-input', '"signature_name" must be a string')
	throw new SpillwayError('invalid-input', `there is no signature "${name.slice(0, 80)}"; there is: ${servingDefault}`)
}
