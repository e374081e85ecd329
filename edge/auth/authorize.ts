// Middleware: lets a request through that shows a known key, from where that key is good, within its quota.

import { createMiddleware } from 'hono/factory'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Scope } from '../config/schema.ts'
import type { EdgeEnv } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { findKey, shownKey } from './find.ts'
import { checkOrigin } from './origin.ts'

/**
 * @param scope what the key must be good for.
 * @throws SpillwayError `unauthenticated`, `forbidden`, or `rate-limited` with the time until the next request is allowed.
 */
export const authorize = ({ config, quota }: Pick<EdgeParts, 'config' | 'quota'>, scope: Scope) =>
	createMiddleware<EdgeEnv>(async (c, next) => {
		const key = await findKey(shownKey(c.req.raw), config.keys)
		checkOrigin(c.req.raw, key)
		if (!key.scopes.includes(scope)) throw new SpillwayError('forbidden', `this key lacks the scope "${scope}"`)
		if (key.requestsPerMinute !== undefined) {
			const { allowed, retryAfter } = await quota.take(key.id, key.requestsPerMinute)
			if (!allowed)
				throw new SpillwayError('rate-limited', `over the key's quota of ${key.requestsPerMinute} requests a minute`, { retryAfter })
		}
		c.set('key', key)
		return next()
	})
