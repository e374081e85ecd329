// From a file's content and the environment to a checked configuration.

import { SpillwayError } from '../../runtime/core/error.ts'
import { type Environment, override } from './environment.ts'
import { explain, show } from './explain.ts'
import type { Secret } from './fields.ts'
import { configSchema, type EdgeConfig } from './schema.ts'
import { findSecret } from './secrets.ts'

export interface ConfigSource {
	/** The parsed content of `spillway.config.json`; default: an empty configuration. */
	readonly file?: unknown
	/** Variables (Node) or bindings (workerd); default: none. */
	readonly environment?: Environment
}

export interface CheckedConfig {
	/** Absent when there are errors. */
	readonly config?: EdgeConfig
	/** One line for each: where, what is wrong, what to do. */
	readonly errors: readonly string[]
	/** What is allowed, but probably not meant. */
	readonly warnings: readonly string[]
}

/** Checks a configuration without using it. */
export function checkConfig({ file = {}, environment = {} }: ConfigSource): CheckedConfig {
	const { config: merged, problems } = override(file, environment)
	const result = configSchema.safeParse(merged, { reportInput: true })
	const errors = [...problems, ...unnameable(merged), ...(result.success ? [] : explain(result.error))]
	if (!result.success || errors.length > 0) return { errors, warnings: [] }
	return { config: result.data, errors, warnings: warningsFor(result.data, environment) }
}

/**
 * The configuration to run with.
 * @throws SpillwayError `malformed`, with one line for each fault.
 * @example const config = loadConfig({ file: JSON.parse(await readFile('spillway.config.json', 'utf8')), environment: process.env })
 */
export function loadConfig(source: ConfigSource): EdgeConfig {
	const { config, errors } = checkConfig(source)
	if (!config) throw new SpillwayError('malformed', `the configuration has faults:\n${errors.map((line) => `  ${line}`).join('\n')}`)
	return config
}

/** Names that the schema would pass over without a word. */
function unnameable(value: unknown, path: readonly PropertyKey[] = []): string[] {
	if (typeof value !== 'object' || value === null) return []
	return Object.entries(value).flatMap(([name, inner]) => {
		const at = [...path, Array.isArray(value) ? Number(name) : name]
		return name === '__proto__' ? [`${show(at)}: nothing can have this name; choose another`] : unnameable(inner, at)
	})
}

function warningsFor(config: EdgeConfig, environment: Environment): string[] {
	const warnings: string[] = []
	if (config.keys.length === 0) warnings.push('keys: there are none, so every call is answered with 401')
	config.keys.forEach(({ kind, requestsPerMinute }, at) => {
		if (kind === 'publishable' && requestsPerMinute === undefined)
			warnings.push(`keys[${at}].requestsPerMinute: a publishable key can be read by anyone; give it a quota`)
	})
	const missing = [...secretsIn(config.upstreams, 'upstreams'), ...secretsIn(config.server.tls, 'server.tls')]
	for (const { where, secret } of missing)
		if (findSecret(secret, environment) === undefined) warnings.push(`${where}: ${secret.env} is not set in this environment`)
	for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
		const key = config.modelsBucket?.[name]
		if (key && findSecret(key, environment) === undefined) warnings.push(`modelsBucket.${name}: ${key.env} is not set in this environment`)
	}
	if (findSecret(config.signing.key, environment) === undefined)
		warnings.push(
			`signing.key: ${config.signing.key.env} is not set in this environment; Node makes a key of its own, workerd serves channels as they were packed`,
		)
	if (config.metrics.access === 'public') warnings.push('metrics.access: everyone who reaches this edge may read its figures')
	if (config.container.access === 'open')
		warnings.push('container.access: everyone who reaches this edge may call models at /invocations and /score')
	return warnings
}

/** Every secret within a value, with its place; but for session tokens, which only temporary credentials have. */
function secretsIn(value: unknown, where: string): { where: string; secret: Secret }[] {
	if (typeof value !== 'object' || value === null) return []
	if (Array.isArray(value)) return value.flatMap((inner, at) => secretsIn(inner, `${where}[${at}]`))
	if ('env' in value && typeof value.env === 'string' && Object.keys(value).length === 1) return [{ where, secret: { env: value.env } }]
	return Object.entries(value).flatMap(([name, inner]) => (name === 'sessionToken' ? [] : secretsIn(inner, `${where}.${name}`)))
}
