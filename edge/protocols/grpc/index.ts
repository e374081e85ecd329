// gRPC: its services over gRPC-Web and Connect on every platform, over native gRPC where the platform sends trailers.
// https://connectrpc.com/docs/protocol, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

import { codeToString } from '@connectrpc/connect/protocol-connect'
import { Hono } from 'hono'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { EdgeEnv } from '../../env.ts'
import type { Problem } from '../../guard/problem.ts'
import type { EdgeParts } from '../../parts.ts'
import type { Protocol, Refusal } from '../protocol.ts'
import { allServices, handlersOf } from './router.ts'
import { statusOf } from './status.ts'
import { respond } from './wire.ts'

export const grpc: Protocol = {
	name: 'grpc',
	paths: allServices.map(({ service }) => `/${service.typeName}`),
	routes(parts: EdgeParts) {
		const app = new Hono<EdgeEnv>()
		for (const handler of handlersOf(parts)) app.post(handler.requestPath, (c) => respond(c, handler, parts))
		return app
	},
	refuse,
}

/** What no handler answers, such as an unknown method: as Connect has it; clients of gRPC go by the HTTP status. */
function refuse({ code, detail }: Problem): Refusal {
	return { body: { code: codeToString(statusOf(new SpillwayError(code, detail)).code), message: detail } }
}
