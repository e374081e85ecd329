// `/metrics` for Prometheus.

import { Hono } from 'hono'
import type { EdgeEnv } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { mayRead } from './access.ts'

export function metricsRoute(parts: EdgeParts): Hono<EdgeEnv> {
	const app = new Hono<EdgeEnv>()
	app.get('/metrics', mayRead(parts), async (c) => {
		const { body, contentType } = await parts.metrics.render()
		return c.body(body, 200, { 'content-type': contentType, 'cache-control': 'no-store' })
	})
	return app
}
