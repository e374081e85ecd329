// The Open Inference Protocol's routes and schemas, for the OpenAPI document.
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_rest.yaml

import { createRoute, z } from '@hono/zod-openapi'
import { datatypes } from '../../../runtime/core/datatype.ts'
import { answerHeaders, callHeaders, keyed, problems } from '../../openapi/shared.ts'

const tags = ['Open Inference Protocol']

const datatype = z.enum(datatypes as [string, ...string[]])
const parameters = z.record(z.string(), z.unknown()).optional()

const tensor = z
	.object({
		name: z.string(),
		shape: z.array(z.int().min(0)),
		datatype,
		data: z.array(z.unknown()).optional().openapi({ description: 'Row-major, flat or nested. Absent when the data follows as binary.' }),
		parameters: z.looseObject({ binary_data_size: z.int().min(0).optional() }).optional(),
	})
	.openapi('Tensor')

const inferRequest = z
	.object({
		id: z.string().optional(),
		inputs: z.array(tensor),
		outputs: z
			.array(z.object({ name: z.string(), parameters: z.looseObject({ binary_data: z.boolean().optional() }).optional() }))
			.optional(),
		parameters: z.looseObject({ binary_data_output: z.boolean().optional() }).optional(),
	})
	.openapi('InferRequest')

const inferResponse = z
	.object({ model_name: z.string(), model_version: z.string(), id: z.string().optional(), outputs: z.array(tensor), parameters })
	.openapi('InferResponse')

const tensorMetadata = z
	.object({ name: z.string(), datatype, shape: z.array(z.int()).openapi({ description: '-1 stands for any size.' }) })
	.openapi('TensorMetadata')

const modelMetadata = z
	.object({
		name: z.string(),
		versions: z.array(z.string()),
		platform: z.string(),
		inputs: z.array(tensorMetadata),
		outputs: z.array(tensorMetadata),
	})
	.openapi('ModelMetadata')

const serverMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }).openapi('ServerMetadata')

const modelReady = z.object({ name: z.string(), ready: z.boolean() }).openapi('ModelReady')

export type ModelMetadata = z.infer<typeof modelMetadata>
export type ServerMetadata = z.infer<typeof serverMetadata>

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })
const name = z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'minilm' })
const version = z.string().openapi({ param: { name: 'version', in: 'path' }, example: '1.0.0' })

/** The same route for the current version and for one that is named. */
const ofModel = <const Path extends string, const Rest extends object>(tail: Path, rest: Rest) => ({
	current: { ...rest, path: `/v2/models/{name}${tail}` as const, request: { params: z.object({ name }) } },
	named: { ...rest, path: `/v2/models/{name}/versions/{version}${tail}` as const, request: { params: z.object({ name, version }) } },
})

const metadata = ofModel('', {
	method: 'get',
	tags,
	summary: 'Metadata of a model',
	responses: { 200: { description: 'Inputs, outputs and versions', content: json(modelMetadata) }, ...problems(404) },
})

const ready = ofModel('/ready', {
	method: 'get',
	tags,
	summary: 'Whether a model answers now',
	responses: {
		200: { description: 'It does', content: json(modelReady) },
		503: { description: 'It does not, yet', content: json(modelReady) },
		...problems(404),
	},
})

const infer = ofModel('/infer', {
	method: 'post',
	tags,
	summary: 'Runs a model on tensors',
	description:
		"JSON, or JSON followed by binary tensors with `Inference-Header-Content-Length` (Triton's binary tensor extension). " +
		'The body may be compressed with gzip or deflate.',
	security: keyed,
	responses: {
		200: {
			description: 'The outputs',
			headers: answerHeaders,
			content: { ...json(inferResponse), 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
		},
		...problems(400, 401, 403, 404, 409, 413, 422, 429, 502, 503, 504, 508),
	},
})

const inferBody = {
	headers: callHeaders,
	body: {
		required: true,
		content: { ...json(inferRequest), 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
	},
}

export const routes = {
	server: createRoute({
		method: 'get',
		path: '/v2',
		tags,
		summary: 'Metadata of the server',
		responses: { 200: { description: 'Name, version and extensions', content: json(serverMetadata) } },
	}),
	live: createRoute({
		method: 'get',
		path: '/v2/health/live',
		tags,
		summary: 'Whether the server is up',
		responses: { 200: { description: 'It is', content: json(z.object({ live: z.boolean() })) } },
	}),
	ready: createRoute({
		method: 'get',
		path: '/v2/health/ready',
		tags,
		summary: 'Whether every model answers now',
		responses: {
			200: { description: 'All do', content: json(z.object({ ready: z.boolean() })) },
			503: { description: 'At least one does not, yet', content: json(z.object({ ready: z.boolean() })) },
		},
	}),
	metadata: createRoute(metadata.current),
	metadataOfVersion: createRoute(metadata.named),
	modelReady: createRoute(ready.current),
	modelReadyOfVersion: createRoute(ready.named),
	infer: createRoute({ ...infer.current, request: { ...infer.current.request, ...inferBody } }),
	inferOfVersion: createRoute({ ...infer.named, request: { ...infer.named.request, ...inferBody } }),
}
