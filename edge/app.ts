// The edge: one Hono application for workerd and Node. What differs between them comes in as `EdgeParts`.

import { Hono } from 'hono'
import type { EdgeParts } from './parts.ts'

/**
 * Makes the edge's HTTP application.
 *
 * @param parts what the platform's entry made: configuration, models, static files, stores.
 * @returns an app whose `fetch` answers every request, errors included.
 * @example serve({ fetch: createEdge(parts).fetch, port: 8787 })
 */
export function createEdge(parts: EdgeParts): Hono {
	const app = new Hono()
	app.route('/', parts.distribution)
	app.route('/', parts.pages)
	return app
}
