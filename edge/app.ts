// The edge: one Hono application for workerd and Node. What differs between them comes in as `EdgeParts`.

import { Hono } from 'hono'
import { admin } from './admin/index.ts'
import { repository } from './admin/repository.ts'
import type { EdgeEnv } from './env.ts'
import { underDeadline } from './guard/context.ts'
import { openToPages } from './guard/cors.ts'
import { notFound } from './guard/notFound.ts'
import { respondWithError } from './guard/problem.ts'
import { measure } from './metrics/measure.ts'
import { metricsRoute } from './metrics/route.ts'
import { openapi } from './openapi/index.ts'
import type { EdgeParts } from './parts.ts'
import { areasOf } from './protocols/areas.ts'
import { protocols } from './protocols/index.ts'
import { respondJson } from './protocols/respond.ts'
import { traced } from './telemetry/traced.ts'

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

	const areaOf = areasOf(protocols)
	app.use((c, next) => {
		c.set('area', areaOf(c.req.path))
		if (parts.keep) c.set('keep', (work) => parts.keep?.(c, work))
		return next()
	})
	app.use(measure(parts))
	const [open, limited, recorded] = [openToPages(), underDeadline(parts), traced(parts)]
	app.use((c, next) => ('routes' in c.get('area') ? open(c, () => limited(c, () => recorded(c, next))) : next()))

	app.get('/healthz', (c) => respondJson(c, { status: 'ok' }, { headers: { 'cache-control': 'no-store' } }))
	app.route('/', metricsRoute(parts))
	app.route('/', openapi(parts))
	app.route('/', admin(parts))
	app.route('/', repository(parts))
	for (const protocol of protocols) app.route('/', protocol.routes(parts))
	app.route('/', parts.distribution)
	app.route('/', parts.pages)
	return app
}
