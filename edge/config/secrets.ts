// Secrets, which the environment has under the names that the configuration gives.

import { SpillwayError } from '../../runtime/core/error.ts'
import type { Environment } from './environment.ts'
import type { Secret } from './fields.ts'

/** The secret, or undefined where the environment does not have it. */
export function findSecret({ env }: Secret, environment: Environment): string | undefined {
	const value = environment[env]
	return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * The secret.
 * @throws SpillwayError `malformed` where the environment does not have it.
 */
export function secretOf(secret: Secret, environment: Environment): string {
	const value = findSecret(secret, environment)
	if (value === undefined)
		throw new SpillwayError('malformed', `the environment variable or binding ${secret.env} is not set; the configuration names it`)
	return value
}
