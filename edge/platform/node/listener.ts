// The application as Node's server calls it. What cannot even be made a request of is answered in the same form as other errors.

import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { messageOf } from '../../../runtime/core/error.ts'
import { problemOf } from '../../guard/problem.ts'

/** @param fetch the application's; it answers its own errors. */
export const listenerOf = (fetch: Parameters<typeof getRequestListener>[0]): RequestListener =>
	getRequestListener(fetch, {
		errorHandler(error) {
			const problem = problemOf('malformed', 400, `this is no request: ${messageOf(error)}`)
			return Response.json(problem, { status: problem.status, headers: { 'content-type': 'application/problem+json' } })
		},
	})
