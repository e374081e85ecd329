// Middleware: lets a request through that shows a known key, from where that key is good, within its quota.

import { createMiddleware } from 'hono/factory'
import { bounded } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Scope } from '../config/schema.ts'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import type { EdgeParts } from '../parts.ts'
import { findKey, shownKey } from './find.ts'
import { checkOrigin } from './origin.ts'

/** Milliseconds that the quota's count may take where it is elsewhere, unless the call itself has less. */
const patience = 5_000

/**
 * @param scope what the key must be good for.
 * @throws SpillwayError `unauthenticated`, `forbidden`, or `rate-limited` with the time until the next request is allowed;
 *   `deadline-exceeded` when who counts the quota does not say.
 */
export const authorize = ({ config, quota }: Pick<EdgeParts, 'config' | 'quota'>, scope: Scope) =>
	createMiddleware<EdgeEnv>(async (c, next) => {
		const key = await findKey(shownKey(c.req.raw), config.keys)
		checkOrigin(c.req.raw, key)
		if (!key.scopes.includes(scope)) throw new SpillwayError('forbidden', `this key lacks the scope "${scope}"`)
		if (key.requestsPerMinute !== undefined) {
			const taken = quota.take(key.id, key.requestsPerMinute)
			const { allowed, retryAfter } =
				taken instanceof Promise ? await bounded("the look at the key's quota", timeOf(c), () => taken) : taken
			if (!allowed)
				throw new SpillwayError('rate-limited', `over the key's quota of ${key.requestsPerMinute} requests a minute`, { retryAfter })
		}
		c.set('key', key)
		return next()
	})

/** A stream goes on when the time of its first call is over; and what is no call has none. */
const timeOf = (c: EdgeContext) => ({ remaining: Math.min(patience, c.get('remaining')?.() || patience), signal: c.req.raw.signal })
