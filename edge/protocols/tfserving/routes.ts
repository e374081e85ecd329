// TensorFlow Serving's routes and schemas, for the OpenAPI document. KServe's version 1 shares them.
// https://www.tensorflow.org/tfx/serving/api_rest, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol

import { createRoute, z } from '@hono/zod-openapi'
import { answerHeaders, callHeaders, errors, keyed } from '../../openapi/shared.ts'

const tags = ['TensorFlow Serving']

const error = z.object({ error: z.string() }).openapi('TensorFlowServingError')

const signature = z.string().optional().openapi({ description: '`serving_default`, or absent.', example: 'serving_default' })

const predictRequest = z
	.looseObject({
		signature_name: signature,
		instances: z
			.array(z.unknown())
			.optional()
			.openapi({ description: 'Rows: values of the only input, or objects with a value for each input. Give `instances` or `inputs`.' }),
		inputs: z.unknown().optional().openapi({ description: 'Columns: an object with the tensors by name, or the only input.' }),
	})
	.openapi('PredictRequest')

const predictResponse = z
	.object({
		predictions: z.array(z.unknown()).optional().openapi({ description: 'To `instances`: values of the only output, or objects.' }),
		outputs: z.unknown().optional().openapi({ description: 'To `inputs`: the only output, or an object with the outputs by name.' }),
	})
	.openapi('PredictResponse')

const examplesRequest = z
	.looseObject({
		signature_name: signature,
		context: z.looseObject({}).optional().openapi({ description: 'Features that all examples share.' }),
		examples: z.array(z.looseObject({})).min(1).openapi({ description: 'Features by name: a value, or a list of values.' }),
	})
	.openapi('ExamplesRequest')

const classifyResponse = z
	.object({
		results: z.array(z.array(z.tuple([z.string(), z.number()]))).openapi({ description: 'For each example, labels (empty) and scores.' }),
	})
	.openapi('ClassifyResponse')

const regressResponse = z
	.object({ results: z.array(z.number()).openapi({ description: 'For each example, its value.' }) })
	.openapi('RegressResponse')

const versionStatus = z.object({
	version: z
		.string()
		.openapi({ description: 'The first number of the version: TensorFlow Serving knows whole numbers only.', example: '1' }),
	state: z.enum(['LOADING', 'AVAILABLE']),
	status: z.object({ error_code: z.literal('OK'), error_message: z.string() }),
})

const modelStatus = z
	.object({
		name: z.string().openapi({ description: "For KServe's clients, as `ready`." }),
		ready: z.boolean(),
		model_version_status: z.array(versionStatus),
	})
	.openapi('TensorFlowServingStatus')

const tensorInfos = z.record(
	z.string(),
	z.object({
		dtype: z.string().openapi({ example: 'DT_FLOAT' }),
		tensor_shape: z.object({
			dim: z.array(z.object({ size: z.string().openapi({ description: '-1 stands for any size.' }), name: z.string() })),
			unknown_rank: z.boolean(),
		}),
		name: z.string(),
	}),
)

const modelMetadata = z
	.object({
		model_spec: z.object({ name: z.string(), signature_name: z.string(), version: z.string() }),
		metadata: z.object({
			signature_def: z.object({
				signature_def: z.record(z.string(), z.object({ inputs: tensorInfos, outputs: tensorInfos, method_name: z.string() })),
			}),
		}),
	})
	.openapi('TensorFlowServingMetadata')

export type ModelStatus = z.infer<typeof modelStatus>
export type ModelMetadata = z.infer<typeof modelMetadata>

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })
const param = (name: string, example: string) => z.string().openapi({ param: { name, in: 'path' }, example })
const name = param('name', 'minilm')

/** Where a model is: in its current version, in one that is named, under a label. */
const places = [
	['', '/v1/models/{name}', z.object({ name })],
	['OfVersion', '/v1/models/{name}/versions/{version}', z.object({ name, version: param('version', '1') })],
	['OfLabel', '/v1/models/{name}/labels/{label}', z.object({ name, label: param('label', 'stable') })],
] as const

type Place = (typeof places)[number][0]

/** The same route at each place. */
const at = <const Name extends string, Route>(name: Name, make: (path: string, params: z.ZodObject) => Route) =>
	Object.fromEntries(places.map(([place, path, params]) => [name + place, make(path, params)])) as Record<`${Name}${Place}`, Route>

const method = (verb: string, summary: string, request: z.ZodType, response: z.ZodType) =>
	at(verb, (path, params) =>
		createRoute({
			method: 'post',
			path: `${path}:${verb}`,
			tags,
			summary,
			security: keyed,
			request: { params, headers: callHeaders, body: { required: true, content: json(request) } },
			responses: {
				200: { description: 'The answer', headers: answerHeaders, content: json(response) },
				...errors(error, 400, 401, 403, 404, 409, 413, 429, 501, 502, 503, 504, 508),
			},
		}),
	)

export const routes = {
	models: createRoute({
		method: 'get',
		path: '/v1/models',
		tags,
		summary: "The models' names",
		responses: { 200: { description: 'All of them', content: json(z.object({ models: z.array(z.string()) })) } },
	}),
	...at('status', (path, params) =>
		createRoute({
			method: 'get',
			path,
			tags,
			summary: 'Whether a model answers now',
			request: { params },
			responses: { 200: { description: 'The state of its version', content: json(modelStatus) }, ...errors(error, 400, 404, 503, 508) },
		}),
	),
	...at('metadata', (path, params) =>
		createRoute({
			method: 'get',
			path: `${path}/metadata`,
			tags,
			summary: 'Inputs and outputs of a model',
			request: { params },
			responses: { 200: { description: 'Its signature', content: json(modelMetadata) }, ...errors(error, 404, 503) },
		}),
	),
	...method('predict', 'Runs a model on rows or columns of values', predictRequest, predictResponse),
	...method('classify', 'Scores of examples', examplesRequest, classifyResponse),
	...method('regress', 'Values of examples', examplesRequest, regressResponse),
}
