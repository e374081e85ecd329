// TorchServe's routes and schemas, for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { anyForm } from '../../openapi/any-form.ts'
import { answerHeaders, callHeaders, errors, keyed } from '../../openapi/shared.ts'

const tags = ['TorchServe']

const error = z.object({ code: z.int(), type: z.string(), message: z.string() }).openapi('TorchServeError')

export type TorchServeError = z.infer<typeof error>

const health = z.object({ status: z.enum(['Healthy', 'Unhealthy']) })
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })
const name = z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'minilm' })
const version = z.string().openapi({ param: { name: 'version', in: 'path' }, example: '1.0.0' })

const predict = {
	method: 'post',
	tags,
	security: keyed,
	responses: {
		200: { description: 'In the form of the request', headers: answerHeaders, content: anyForm.answer },
		...errors(error, 400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504, 508),
	},
} as const

const body = { required: true, content: anyForm.request }

export const routes = {
	ping: createRoute({
		method: 'get',
		path: '/ping',
		tags: ['TorchServe', 'SageMaker'],
		summary: 'Whether every model answers now',
		responses: {
			200: { description: 'All do', content: json(health) },
			503: { description: 'At least one does not, yet', content: json(health) },
			...errors(error, 400, 508),
		},
	}),
	predict: createRoute({
		...predict,
		path: '/predictions/{name}',
		summary: 'Runs a model',
		request: { params: z.object({ name }), headers: callHeaders, body },
	}),
	predictOfVersion: createRoute({
		...predict,
		path: '/predictions/{name}/{version}',
		summary: 'Runs a version of a model',
		request: { params: z.object({ name, version }), headers: callHeaders, body },
	}),
}
