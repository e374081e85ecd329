// Middleware: reports every request to the metrics store, once its response's body has been sent.

import { createMiddleware } from 'hono/factory'
import { matchedRoutes } from 'hono/route'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { countBody } from './bytes.ts'
import { figuresOfCall } from './call.ts'
import type { Increment } from './store.ts'

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export const measure = ({ metrics, keep }: Pick<EdgeParts, 'metrics' | 'keep'>) =>
	createMiddleware<EdgeEnv>(async (c, next) => {
		const report = (batch: readonly Increment[]) => {
			// A store that cannot be reached costs figures, not answers.
			const added = metrics.add(batch)?.catch((error) => console.error('metrics:', error))
			if (added) keep?.(c, added)
		}
		const start = performance.now()
		const { method } = c.req
		report([inFlight(1)])
		/** Bytes of the body, where they are known. */
		const size = () => (method === 'HEAD' ? 0 : c.get('size'))
		try {
			await next()
		} finally {
			const tellEnd = () => report([inFlight(-1), ...figuresOf(c, method, (performance.now() - start) / 1000), ...sent(c, size() ?? 0)])
			const ended = c.get('ended')?.then(tellEnd)
			if (ended) keep?.(c, ended)
			else tellEnd()
		}
		if (typeof size() === 'number') return
		const response = c.res
		const counted = countBody(response, (bytes) => report(sent(c, bytes)))
		if (counted !== response) c.res = counted
	})

const inFlight = (value: number): Increment => ({ metric: 'spillway_http_requests_in_flight', labels: {}, value })

const sent = (c: EdgeContext, bytes: number): Increment[] =>
	bytes > 0 ? [{ metric: 'spillway_sent_bytes_total', labels: { kind: kindOf(c.req.path, c.get('area').name) }, value: bytes }] : []

function figuresOf(c: EdgeContext, asked: string, seconds: number): Increment[] {
	const protocol = c.get('area').name
	const route = routeOf(c)
	const method = methods.has(asked) ? asked : 'other'
	return [
		{ metric: 'spillway_http_requests_total', labels: { route, method, status: String(c.res.status), protocol }, value: 1 },
		{ metric: 'spillway_http_request_duration_seconds', labels: { route, protocol }, value: seconds },
		...figuresOfCall({ served: c.get('served'), ran: c.get('ran'), code: c.get('error'), protocol }),
	]
}

/** The pattern of the route that answered; `other` for pages and for what has no route. */
function routeOf(c: EdgeContext): string {
	const routes = matchedRoutes(c).filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
	return routes.at(-1)?.path ?? 'other'
}

/** What a path's body is, for the bytes sent. */
function kindOf(path: string, area: string): string {
	if (!path.startsWith('/models/')) return area
	if (path.endsWith('/channel.jws')) return 'channel'
	if (path.startsWith('/models/manifests/')) return 'manifest'
	if (path.startsWith('/models/chunks/')) return 'chunk'
	return 'file'
}
