// The admin routes and their schemas, for validation and for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { keyed, problems } from '../openapi/shared.ts'
import { routingSchema } from '../versions/routing.ts'

const tags = ['Admin']

const routing = z.looseObject({}).openapi('Routing', {
	description: 'As `models.<name>.versions` of the configuration: `labels`, `split`, `by`, `shadow`.',
	example: {
		labels: { canary: '1.1.0' },
		split: [
			{ version: '1.0.0', weight: 95 },
			{ version: 'canary', weight: 5 },
		],
		by: 'key',
	},
})

const outcome = z.object({ same: z.int(), different: z.int(), failed: z.int(), skipped: z.int() })

const compared = z
	.object({
		version: z.string().openapi({ description: 'Whose answers were given.' }),
		shadow: z.string().openapi({ description: 'Whose answers were compared and thrown away.' }),
		outcomes: outcome,
		lowestCosine: z.number().nullable(),
		largestDifference: z.number().nullable(),
		took: z.number().nullable().openapi({ description: 'Mean milliseconds of the calls that were copied.' }),
		shadowTook: z.number().nullable().openapi({ description: 'Mean milliseconds of the copies.' }),
		last: z.object({ at: z.int(), detail: z.string() }).nullable().openapi({ description: 'The last one that was not the same.' }),
	})
	.openapi('ComparedVersions')

const version = z
	.object({
		version: z.string(),
		manifest: z.string().openapi({ description: 'Digest of the manifest.' }),
		roles: z.array(z.string()).openapi({ example: ['current', 'weight 95 of 100', 'label stable'] }),
		state: z
			.enum(['unloaded', 'loading', 'ready', 'failed'])
			.nullable()
			.openapi({ description: 'Of this process; null where only upstreams answer.' }),
		detail: z.string().optional().openapi({ description: 'Why it failed.' }),
	})
	.openapi('ModelVersion')

const model = z
	.object({
		name: z.string(),
		revision: z.int().openapi({ description: 'Of all routes; for `If-Match`.' }),
		source: z.enum(['configuration', 'admin']).openapi({ description: 'Who says the routing.' }),
		routing,
		missing: z.array(z.string()).openapi({ description: 'What the routing names and nobody has published.' }),
		versions: z.array(version),
		shadow: z.array(compared),
	})
	.openapi('ModelView')

const models = z
	.object({
		revision: z.int(),
		memory: z
			.object({ limit: z.int(), used: z.int() })
			.nullable()
			.openapi({ description: 'Bytes for models, of this process; null where each model has an object of its own.' }),
		models: z.array(z.object({ name: z.string(), load: z.enum(['start', 'demand']), source: z.enum(['configuration', 'admin']) })),
	})
	.openapi('ModelList')

/** Not `nullable()`: the document would demand an object all the same. */
const routingOrNone = z.union([routing, z.null()])

const change = z
	.object({
		revision: z.int(),
		at: z.int().openapi({ description: 'Milliseconds since 1970.' }),
		by: z.string().openapi({ description: 'Id of the key.' }),
		action: z.enum(['route', 'clear', 'roll-back', 'load', 'unload']),
		model: z.string(),
		before: routingOrNone.optional(),
		after: routingOrNone.optional(),
		version: z.string().optional(),
	})
	.openapi('RouteChange')

export type ModelView = z.infer<typeof model>
export type ModelList = z.infer<typeof models>

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })
const name = z.string().openapi({ param: { name: 'model', in: 'path' }, example: 'minilm' })
const params = z.object({ model: name })
const versionParams = z.object({ model: name, version: z.string().openapi({ param: { name: 'version', in: 'path' }, example: '1.0.0' }) })
const headers = z.object({
	'If-Match': z
		.string()
		.optional()
		.openapi({ description: 'The revision that the change is made upon; 412 when it is another one by now.', example: '"7"' }),
})
const seen = { 200: { description: 'The model as it is now', content: json(model) } }

export const routes = {
	models: createRoute({
		method: 'get',
		path: '/admin/models',
		tags,
		summary: 'All models',
		security: keyed,
		responses: { 200: { description: 'Them, and the memory that they share', content: json(models) }, ...problems(401, 403, 429) },
	}),
	model: createRoute({
		method: 'get',
		path: '/admin/models/{model}',
		tags,
		summary: 'One model: its versions, their roles, what shadow traffic has shown',
		security: keyed,
		request: { params },
		responses: { ...seen, ...problems(401, 403, 404, 429, 503) },
	}),
	route: createRoute({
		method: 'put',
		path: '/admin/models/{model}/routing',
		tags,
		summary: 'Says which versions answer which calls',
		description: 'In place of the whole routing. What is not loaded yet is loaded first, and until then what answered goes on.',
		security: keyed,
		request: { params, headers, body: { required: true, content: json(routingSchema) } },
		responses: { ...seen, ...problems(400, 401, 403, 404, 412, 413, 429, 503) },
	}),
	clear: createRoute({
		method: 'delete',
		path: '/admin/models/{model}/routing',
		tags,
		summary: 'Goes back to the routing of the configuration',
		security: keyed,
		request: { params, headers },
		responses: { ...seen, ...problems(400, 401, 403, 404, 412, 429, 503) },
	}),
	rollBack: createRoute({
		method: 'post',
		path: '/admin/models/{model}/roll-back',
		tags,
		summary: 'Takes back what happened last',
		description:
			'The last change of the routing; or, where the channel has moved to another version since, that move: all calls then go to the version before, ' +
			'whatever is published, until the routing is changed again.',
		security: keyed,
		request: { params, headers },
		responses: { ...seen, ...problems(400, 401, 403, 404, 412, 429, 503) },
	}),
	load: createRoute({
		method: 'post',
		path: '/admin/models/{model}/versions/{version}/load',
		tags,
		summary: 'Loads a version; answers when it is ready',
		security: keyed,
		request: { params: versionParams },
		responses: { ...seen, ...problems(400, 401, 403, 404, 422, 429, 500, 503) },
	}),
	unload: createRoute({
		method: 'post',
		path: '/admin/models/{model}/versions/{version}/unload',
		tags,
		summary: 'Gives the memory of a version back, once calls in it are over; the next call loads it again',
		security: keyed,
		request: { params: versionParams },
		responses: { ...seen, ...problems(400, 401, 403, 404, 422, 429, 500, 503) },
	}),
	changes: createRoute({
		method: 'get',
		path: '/admin/changes',
		tags,
		summary: 'Who changed what, the latest last',
		security: keyed,
		responses: { 200: { description: 'At most 200', content: json(z.object({ changes: z.array(change) })) }, ...problems(401, 403, 429) },
	}),
}
