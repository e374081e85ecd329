// Overrides from the environment (on workerd: from vars and secrets).

import { nearest } from './nearest.ts'
import { settings } from './settings.ts'

/** Variables on Node, bindings on workerd; what is no string is none of ours. */
export type Environment = Readonly<Record<string, unknown>>

/** Names with the prefix that are no settings: where the file is, and the default name of the signing key. */
const otherNames = ['SPILLWAY_CONFIG', 'SPILLWAY_SIGNING_KEY']

/** What hosting platforms set, and what is given beside it. */
const shortNames: Readonly<Record<string, string>> = { PORT: 'SPILLWAY_SERVER_PORT', GRPC_PORT: 'SPILLWAY_SERVER_GRPC_PORT' }

/**
 * A configuration with the environment's settings laid over the file's. `PORT` and `GRPC_PORT` stand for `SPILLWAY_SERVER_PORT` and
 * `SPILLWAY_SERVER_GRPC_PORT`; an empty value counts as not given.
 *
 * @returns the merged configuration, and problems: variables that are no setting, or no JSON where JSON is needed.
 */
export function override(file: unknown, environment: Environment): { config: unknown; problems: string[] } {
	const problems: string[] = []
	if (typeof file !== 'object' || file === null || Array.isArray(file)) return { config: file, problems }
	const given = Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '')
	const config = structuredClone(file) as Record<string, unknown>
	for (const [name, value] of given) {
		const full = shortNames[name]
		const setting = settings.find(({ variable }) => variable === (full ?? name))
		if (!setting || (full && environment[full])) continue
		try {
			put(config, setting.path, setting.text ? value : JSON.parse(value))
		} catch {
			problems.push(`${name}: must be JSON, as in the file: a number, true or false, or a list or object`)
		}
	}
	const known = [...settings.map(({ variable }) => variable), ...otherNames]
	const secrets = secretNames(config)
	for (const [name] of given) {
		if (!name.startsWith('SPILLWAY_') || known.includes(name) || secrets.has(name)) continue
		problems.push(`${name}: is no setting${nearest(name, known, 'did you mean')}`)
	}
	return { config, problems }
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
	const [name, ...rest] = path as [string, ...string[]]
	if (rest.length === 0) {
		target[name] = value
		return
	}
	target[name] ??= {}
	// What is there and no object is left for the schema to refuse.
	if (typeof target[name] === 'object') put(target[name] as Record<string, unknown>, rest, value)
}

/** Names that the configuration gives to secrets: every `{ "env": "…" }` in it. */
function secretNames(value: unknown, found = new Set<string>()): Set<string> {
	if (typeof value !== 'object' || value === null) return found
	for (const [name, inner] of Object.entries(value)) {
		if (name === 'env' && typeof inner === 'string') found.add(inner)
		else secretNames(inner, found)
	}
	return found
}
