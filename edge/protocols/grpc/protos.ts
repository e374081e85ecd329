// The proto files of the gRPC services, for who makes clients of them.

import { createRoute, z } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { EdgeEnv } from '../../env.ts'
import { problems } from '../../openapi/shared.ts'
import { respondJson } from '../respond.ts'
import { allServices } from './router.ts'

const list = z
	.object({
		services: z.array(z.string()).openapi({ description: 'Full names.' }),
		files: z.array(z.string()).openapi({ description: 'Paths, as the files import one another.' }),
	})
	.openapi('Protos')

const tags = ['gRPC']

export const routes = {
	protos: createRoute({
		method: 'get',
		path: '/proto',
		tags,
		summary: 'The gRPC services and their proto files',
		description:
			'Over native gRPC (HTTP/2, a port of its own), gRPC-Web and Connect (`POST /<service>/<method>` here). Keys are metadata: `authorization` or `x-api-key`.',
		responses: { 200: { description: 'Names and paths', content: { 'application/json': { schema: list } } } },
	}),
	proto: createRoute({
		method: 'get',
		path: '/proto/{path}',
		tags,
		summary: 'A proto file',
		request: {
			params: z.object({
				path: z.string().openapi({ param: { name: 'path', in: 'path' }, example: 'inference/open_inference_grpc.proto' }),
			}),
		},
		responses: { 200: { description: 'Its text', content: { 'text/plain': { schema: z.string() } } }, ...problems(404) },
	}),
}

const headers = { 'access-control-allow-origin': '*', 'cache-control': 'no-cache' }

export function protos(): Hono<EdgeEnv> {
	const files: Readonly<Record<string, string>> = Object.assign({}, ...allServices.map((service) => service.protos))
	const app = new Hono<EdgeEnv>()
	app.get(routes.protos.getRoutingPath(), (c) =>
		respondJson(c, { services: allServices.map(({ service }) => service.typeName), files: Object.keys(files).sort() }, { headers }),
	)
	app.get('/proto/:path{.+}', (c) => {
		const path = c.req.param('path')
		const text = Object.hasOwn(files, path) ? files[path] : undefined
		if (text === undefined) throw new SpillwayError('not-found', `no proto file is called ${path}; GET /proto lists them`)
		return c.text(text, 200, headers)
	})
	return app
}
