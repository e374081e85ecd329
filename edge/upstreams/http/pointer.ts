// Where in an answer something stands: a JSON Pointer (RFC 6901), in which `*` stands for every item of a list.

/** Whether it is one: empty for the whole answer, else names with "/" before each. */
export const isPointer = (text: string): boolean => text === '' || text.startsWith('/')

/**
 * What stands there; a list where the pointer has a `*`, of what stands there in each item.
 *
 * @returns undefined when nothing does.
 * @example find({ data: [{ embedding: [1] }, { embedding: [2] }] }, '/data/*' + '/embedding') // [[1], [2]]
 */
export function find(value: unknown, pointer: string): unknown {
	const names = pointer.split('/').slice(1)
	return names.length === 0 ? value : step(value, names)
}

function step(value: unknown, [name, ...rest]: readonly string[]): unknown {
	if (name === undefined) return value
	if (name === '*') {
		if (!Array.isArray(value)) return undefined
		const found = value.map((item) => step(item, rest))
		return found.includes(undefined) ? undefined : found
	}
	const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
	return step((value as Record<string, unknown>)[key], rest)
}
