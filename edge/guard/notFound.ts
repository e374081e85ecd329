// What no route answers: 405 with `Allow` where the path has other methods, else 404.

import type { Hono } from 'hono'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import { tell } from '../protocols/respond.ts'
import { respondWithError } from './problem.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

export const notFound =
	(app: Hono<EdgeEnv>) =>
	(c: EdgeContext): Response => {
		const { method, path } = c.req
		const allowed = methods.filter((other) => hasRoute(app, other, path))
		if (allowed.length === 0 || allowed.includes(method))
			return respondWithError(new SpillwayError('not-found', `nothing is at ${path}`), c)
		if (allowed.includes('GET')) allowed.push('HEAD')
		c.set('status', 405)
		tell(c, { allow: allowed.join(', ') })
		return respondWithError(new SpillwayError('unsupported', `${path} does not take ${method}; it takes ${allowed.join(', ')}`), c)
	}

/** Middleware is registered for all methods, static files under a wildcard: neither makes a route. */
const hasRoute = (app: Hono<EdgeEnv>, method: string, path: string): boolean =>
	app.router.match(method, path)[0].some(([[, route]]) => route.method === method && !route.path.includes('*'))
