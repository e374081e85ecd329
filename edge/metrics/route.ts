// `/metrics` for Prometheus.

import { Hono } from 'hono'
import { authorize } from '../auth/authorize.ts'
import type { EdgeEnv } from '../env.ts'
import { isLocal } from '../guard/loopback.ts'
import type { EdgeParts } from '../parts.ts'

/** Open to whom `metrics.access` says, and to keys with the scope `metrics`. */
export function metricsRoute(parts: EdgeParts): Hono<EdgeEnv> {
	const { config, metrics, peer } = parts
	const withKey = authorize(parts, 'metrics')
	const app = new Hono<EdgeEnv>()
	app.get(
		'/metrics',
		(c, next) => {
			const { access } = config.metrics
			const open = access === 'public' || (access === 'loopback' && isLocal(c.req.raw, peer?.(c)))
			return open ? next() : withKey(c, next)
		},
		async (c) => {
			const { body, contentType } = await metrics.render()
			return c.body(body, 200, { 'content-type': contentType, 'cache-control': 'no-store' })
		},
	)
	return app
}
