// The edge: one Hono application for workerd and Node. What differs between them comes in as `EdgeParts`.

import { Hono } from 'hono'
import { startClock } from '../runtime/core/deadline.ts'
import type { EdgeEnv } from './env.ts'
import { timeLeftOf } from './guard/context.ts'
import { openToPages } from './guard/cors.ts'
import { notFound } from './guard/notFound.ts'
import { respondWithError } from './guard/problem.ts'
import { measure } from './metrics/measure.ts'
import { metricsRoute } from './metrics/route.ts'
import { openapi } from './openapi/index.ts'
import type { EdgeParts } from './parts.ts'
import { oip } from './protocols/oip/index.ts'
import { openai } from './protocols/openai/index.ts'
import { respondJson } from './protocols/respond.ts'
import { tasks } from './protocols/tasks/index.ts'
import { telemetry } from './telemetry/index.ts'
import { traced } from './telemetry/traced.ts'

/** What calls models: open to pages of other origins, and under a deadline from the first byte on. */
const apiPaths = ['/v1/*', '/v2', '/v2/*', '/openai/*']

/**
 * Makes the edge's HTTP application.
 *
 * @param parts what the platform's entry made: configuration, models, static files, stores.
 * @returns an app whose `fetch` answers every request, errors included.
 * @example serve({ fetch: createEdge(parts).fetch, port: 8787 })
 */
export function createEdge(parts: EdgeParts): Hono<EdgeEnv> {
	const app = new Hono<EdgeEnv>()
	app.onError(respondWithError)
	app.notFound(notFound(app))

	app.use(measure(parts))
	for (const path of apiPaths) {
		app.use(path, openToPages(), async (c, next) => {
			c.set('remaining', startClock(timeLeftOf(c.req.raw, parts.config.limits)))
			await next()
		})
		app.use(path, traced(parts))
	}

	app.get('/healthz', (c) => respondJson(c, { status: 'ok' }, { headers: { 'cache-control': 'no-store' } }))
	app.route('/', metricsRoute(parts))
	app.route('/', openapi(parts))
	app.route('/', oip(parts))
	app.route('/', tasks(parts))
	app.route('/', telemetry(parts))
	app.route('/', openai(parts))
	app.route('/', parts.distribution)
	app.route('/', parts.pages)
	return app
}
