// The routes of the model repository and their schemas, for validation and for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { keyed, problems } from '../openapi/shared.ts'

const tags = ['Admin']

const entry = z
	.object({
		name: z.string(),
		version: z.string(),
		state: z.enum(['READY', 'LOADING', 'UNAVAILABLE']),
		reason: z.string(),
	})
	.openapi('RepositoryIndexEntry')

export type IndexEntry = z.infer<typeof entry>

export const loadRequest = z.looseObject({ parameters: z.record(z.string(), z.unknown()).optional() }).openapi('RepositoryRequest')

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })
const name = z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'minilm' })
const request = { params: z.object({ name }), body: { required: false, content: json(loadRequest) } }
const done = { 200: { description: 'Done', content: json(z.object({})) } }

export const repositoryRoutes = {
	index: createRoute({
		method: 'post',
		path: '/v2/repository/index',
		tags,
		summary: "Triton's model repository: all models and versions, with their states",
		security: keyed,
		responses: { 200: { description: 'Them', content: json(z.array(entry)) }, ...problems(401, 403, 429) },
	}),
	load: createRoute({
		method: 'post',
		path: '/v2/repository/models/{name}/load',
		tags,
		summary: 'Loads the version of a model that answers most calls',
		security: keyed,
		request,
		responses: { ...done, ...problems(400, 401, 403, 404, 413, 422, 429, 500, 503) },
	}),
	unload: createRoute({
		method: 'post',
		path: '/v2/repository/models/{name}/unload',
		tags,
		summary: 'Gives the memory of all versions of a model back; the next call loads it again',
		security: keyed,
		request,
		responses: { ...done, ...problems(400, 401, 403, 404, 413, 422, 429, 503) },
	}),
}
