// Every setting of the schema by its path: for overrides from the environment, and for telling what a misspelt one should be.

import { z } from 'zod'
import { configSchema } from './schema.ts'

export interface Setting {
	/** `SPILLWAY_` and the path in capitals: `SPILLWAY_LIMITS_BODY_BYTES` for `limits.bodyBytes`. */
	readonly variable: string
	readonly path: readonly string[]
	/** Whether the variable's value is taken as it is; otherwise it is JSON. */
	readonly text: boolean
}

/** All settings that a variable can override: objects are entered, lists and records are taken as a whole. */
export const settings: readonly Setting[] = leaves(configSchema, []).filter(({ path }) => path[0] !== '$schema')

function leaves(schema: unknown, path: readonly string[]): Setting[] {
	const inner = unwrap(schema)
	if (inner instanceof z.ZodObject) return Object.entries(inner.shape).flatMap(([name, part]) => leaves(part, [...path, name]))
	return [{ variable: variableOf(path), path, text: inner instanceof z.ZodString || inner instanceof z.ZodEnum }]
}

/** The schema without its defaults. */
export function unwrap(schema: unknown): unknown {
	let inner = schema
	while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) inner = inner.unwrap()
	return inner
}

function variableOf(path: readonly string[]): string {
	return `SPILLWAY_${path.map((name) => name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()).join('_')}`
}
