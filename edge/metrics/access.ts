// Middleware: lets those through who may read this edge's figures.

import type { MiddlewareHandler } from 'hono'
import { authorize } from '../auth/authorize.ts'
import type { EdgeEnv } from '../env.ts'
import { isLocal } from '../guard/loopback.ts'
import type { EdgeParts } from '../parts.ts'

/**
 * Open to whom `metrics.access` says, and to keys with the scope `metrics`.
 * @throws SpillwayError as `authorize`.
 */
export function mayRead(parts: Pick<EdgeParts, 'config' | 'quota' | 'peer'>): MiddlewareHandler<EdgeEnv> {
	const { access } = parts.config.metrics
	const withKey = authorize(parts, 'metrics')
	return (c, next) => {
		// A page of another origin is not who sits before this machine: it says where it is from, and some answers are open to all pages.
		const local = isLocal(c.req.raw, parts.peer?.(c)) && c.req.header('origin') === undefined
		const open = access === 'public' || (access === 'loopback' && local)
		return open ? next() : withKey(c, next)
	}
}
