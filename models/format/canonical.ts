// One way to write JSON, so that the same data is the same bytes, and has the same digest, on every machine.

/**
 * JSON without white space and with the members of every object in the order of their names (UTF-16 code units),
 * as the JSON Canonicalization Scheme has it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
	if (typeof value !== 'object' || value === null) return JSON.stringify(value)
	const members = Object.entries(value).filter(([, member]) => member !== undefined)
	members.sort(([a], [b]) => (a < b ? -1 : 1))
	return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
}

/** The same in UTF-8. */
export const canonicalBytes = (value: unknown): Uint8Array => new TextEncoder().encode(canonicalJson(value))
