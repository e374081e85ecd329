// Lets pages of other origins call the API. Which origins a key is good for is decided with the key, not here: the answer to a
// preflight cannot know the key.

import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { EdgeEnv } from '../env.ts'
import { tell } from '../protocols/respond.ts'

/** Response headers that a page may read. */
export const exposedHeaders = [
	'Spillway-Ran',
	'Spillway-Retries',
	'Server-Timing',
	'Retry-After',
	'WWW-Authenticate',
	'Inference-Header-Content-Length',
	'Content-Length',
	'Grpc-Status',
	'Grpc-Message',
	'Grpc-Status-Details-Bin',
]

/** Chromium keeps a preflight's answer for two hours at most. */
const preflightSeconds = 7200

/** No credentials but keys in headers, so any origin; the headers asked for are allowed as they are asked for. */
export function openToPages(): MiddlewareHandler<EdgeEnv> {
	const preflight = cors({ origin: '*', allowMethods: ['GET', 'POST', 'OPTIONS'], exposeHeaders: exposedHeaders, maxAge: preflightSeconds })
	const open = {
		'access-control-allow-origin': '*',
		'access-control-expose-headers': exposedHeaders.join(','),
		// Without it the tools of browsers show nothing of `Server-Timing` to pages of other origins.
		'timing-allow-origin': '*',
	}
	return async (c, next) => {
		const { method } = c.req
		if (method === 'OPTIONS') return preflight(c, next)
		// Hono's own copies every response, body and all. Only pages look at them, and whatever a page posts says where it comes from; what is
		// got may be kept by a cache, for a page that asks later.
		if (method !== 'POST' || c.req.header('origin') !== undefined) tell(c, open)
		await next()
		if (c.get('size') !== undefined) return
		for (const [name, value] of Object.entries(c.get('told') ?? {})) c.res.headers.set(name, value)
	}
}
