// Which part of the edge a path belongs to: decides the form of its errors and its label in the metrics.

import type { Area, Protocol } from './protocol.ts'

/** Paths that call no model. */
const others: readonly Area[] = [
	{ name: 'distribution', paths: ['/models', '/.well-known'] },
	{ name: 'admin', paths: ['/admin'] },
	{ name: 'operations', paths: ['/metrics', '/healthz', '/openapi.json', '/proto', '/docs'] },
]

/** What is under no prefix is a page. */
const page: Area = { name: 'page', paths: [] }

/** Makes the lookup. Its cost grows with the path's length, not with the number of protocols. */
export function areasOf(protocols: readonly Protocol[]): (path: string) => Area | Protocol {
	const byPrefix = new Map([...others, ...protocols].flatMap((area) => area.paths.map((path) => [path, area] as const)))
	return (path) => {
		for (let prefix = path; prefix !== ''; prefix = prefix.slice(0, prefix.lastIndexOf('/'))) {
			const found = byPrefix.get(prefix)
			if (found) return found
		}
		return page
	}
}
