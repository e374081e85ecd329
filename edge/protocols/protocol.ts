// Which protocol a path belongs to: decides the form of its errors and its label in the metrics.

export type Protocol = 'oip' | 'openai' | 'task' | 'telemetry' | 'distribution' | 'operations' | 'page'

const prefixes: readonly (readonly [string, Protocol])[] = [
	['/v2', 'oip'],
	['/openai', 'openai'],
	['/v1/telemetry', 'telemetry'],
	['/v1', 'task'],
	['/models', 'distribution'],
	['/.well-known', 'distribution'],
	['/metrics', 'operations'],
	['/healthz', 'operations'],
	['/openapi.json', 'operations'],
]

/** What is under no prefix is a page. */
export function protocolOf(path: string): Protocol {
	const found = prefixes.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))
	return found ? found[1] : 'page'
}
