// The OpenAPI document, from the same route definitions and schemas that the handlers use.

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { repositoryRoutes } from '../admin/repository-routes.ts'
import { routes as admin } from '../admin/routes.ts'
import { routes as azureml } from '../protocols/azureml/routes.ts'
import { routes as protos } from '../protocols/grpc/protos.ts'
import { routes as oip } from '../protocols/oip/routes.ts'
import { routes as openai } from '../protocols/openai/routes.ts'
import { routes as sagemaker } from '../protocols/sagemaker/routes.ts'
import { routes as tasks } from '../protocols/tasks/routes.ts'
import { routes as tfserving } from '../protocols/tfserving/routes.ts'
import { routes as torchserve } from '../protocols/torchserve/routes.ts'
import { routes as telemetry } from '../telemetry/routes.ts'
import { problems } from './shared.ts'

const text = (type: string) => ({ [type]: { schema: z.string() } })
const bytes = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } }
/** By its name: JSON or bytes. */
const file = { 'application/json': { schema: z.unknown() }, ...bytes }
const param = (name: string, example: string) => z.string().openapi({ param: { name, in: 'path' }, example })

/** Routes of the distribution and of operations; they take no body, so they have no schemas of their own. */
const others = [
	createRoute({
		method: 'get',
		path: '/models/{model}/channel.jws',
		tags: ['Distribution'],
		summary: "A model's channel: the signed name of its current manifest",
		request: { params: z.object({ model: param('model', 'minilm') }) },
		responses: { 200: { description: 'A compact JSON Web Signature', content: text('application/jose') }, ...problems(404) },
	}),
	createRoute({
		method: 'get',
		path: '/models/manifests/{digest}.json',
		tags: ['Distribution'],
		summary: 'A manifest, immutable',
		request: { params: z.object({ digest: param('digest', '0'.repeat(64)) }) },
		responses: { 200: { description: 'The manifest', content: { 'application/json': { schema: z.looseObject({}) } } }, ...problems(404) },
	}),
	createRoute({
		method: 'get',
		path: '/models/chunks/{digest}',
		tags: ['Distribution'],
		summary: 'A chunk, immutable, at most 1 MiB',
		request: { params: z.object({ digest: param('digest', '0'.repeat(64)) }) },
		responses: { 200: { description: 'Its bytes', content: bytes }, ...problems(404) },
	}),
	createRoute({
		method: 'get',
		path: '/models/{model}/{version}/files/{name}',
		tags: ['Distribution'],
		summary: 'A whole file of a version that the channel names; Range and ETag work',
		request: {
			params: z.object({ model: param('model', 'minilm'), version: param('version', '1.0.0'), name: param('name', 'tokenizer.json') }),
		},
		responses: {
			200: { description: 'The file', content: file },
			206: { description: 'The range that was asked for', content: file },
			304: { description: 'Not changed' },
			...problems(404),
		},
	}),
	createRoute({
		method: 'get',
		path: '/.well-known/jwks.json',
		tags: ['Distribution'],
		summary: "The edge's public keys: what its channels are signed with",
		responses: { 200: { description: 'A JSON Web Key Set', content: { 'application/jwk-set+json': { schema: z.looseObject({}) } } } },
	}),
	createRoute({
		method: 'get',
		path: '/healthz',
		tags: ['Operations'],
		summary: 'Whether the edge is up',
		responses: { 200: { description: 'It is', content: { 'application/json': { schema: z.object({ status: z.literal('ok') }) } } } },
	}),
	createRoute({
		method: 'get',
		path: '/metrics',
		tags: ['Operations'],
		summary: 'Figures for Prometheus',
		description: 'Open as the configuration says (`metrics.access`), else with a key of the scope `metrics`.',
		security: [{}, { bearer: [] }, { apiKey: [] }],
		responses: { 200: { description: 'Prometheus text format', content: text('text/plain') }, ...problems(401, 403) },
	}),
]

/** The OpenAPI 3.1 document. */
export function openapiDocument(version: string): object {
	const app = new OpenAPIHono()
	const registry = app.openAPIRegistry
	registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
	registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'x-api-key' })
	for (const routes of [tasks, oip, openai, tfserving, torchserve, sagemaker, azureml, protos, telemetry, admin, repositoryRoutes, others])
		for (const route of Object.values(routes)) registry.registerPath(route)
	return app.getOpenAPI31Document({
		openapi: '3.1.0',
		info: {
			title: 'Spillway edge',
			version,
			description:
				'Runs models for pages and servers. Errors are problem+json (RFC 9457), or in the form of the protocol that the path belongs to.',
			license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
		},
		servers: [{ url: '/' }],
	})
}
