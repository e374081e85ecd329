// OpenAI's routes and their schemas, for the OpenAPI document.
// https://platform.openai.com/docs/api-reference

import { createRoute, z } from '@hono/zod-openapi'
import { chatCompletion, chatEvents, chatRequest } from '../../openapi/chat.ts'
import { answerHeaders, errors, keyed } from '../../openapi/shared.ts'

const tags = ['OpenAI']

const embeddingsRequest = z
	.object({
		model: z.string().openapi({ example: 'minilm' }),
		input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2048)]).openapi({ example: 'how do I reset my password?' }),
		encoding_format: z.enum(['float', 'base64']).default('float'),
		dimensions: z.int().min(1).optional().openapi({ description: "The model's own number, or absent: vectors are not shortened." }),
		user: z.string().optional().openapi({ description: 'Accepted, and not kept.' }),
	})
	.openapi('EmbeddingsRequest')

const embeddingsResponse = z
	.object({
		object: z.literal('list'),
		data: z.array(
			z.object({
				object: z.literal('embedding'),
				index: z.int(),
				embedding: z.union([z.array(z.number()), z.string().openapi({ format: 'byte' })]),
			}),
		),
		model: z.string(),
		usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
	})
	.openapi('EmbeddingsResponse')

const model = z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() }).openapi('Model')

const error = z
	.object({
		error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }),
	})
	.openapi('OpenAIError')

export type EmbeddingsResponse = z.infer<typeof embeddingsResponse>
export type OpenAIModel = z.infer<typeof model>

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })

const completionsRequest = chatRequest
	.extend({
		model: z.string().openapi({ example: 'assistant' }),
		stream: z.boolean().nullish().openapi({ description: 'Whether the answer comes as server-sent events, ended by `[DONE]`.' }),
		stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
	})
	.openapi('ChatCompletionsRequest')

export const routes = {
	chat: createRoute({
		method: 'post',
		path: '/openai/v1/chat/completions',
		tags,
		summary: 'Chat completions',
		description:
			'With `stream`, an answer that fails after its first chunk ends with an event that has an `error`, and without `[DONE]`. Options that the ' +
			'edge does not know are handed on to the model.',
		security: keyed,
		request: { body: { required: true, content: json(completionsRequest) } },
		responses: {
			200: {
				description: 'What the model writes next',
				headers: answerHeaders,
				content: { ...json(chatCompletion), ...chatEvents },
			},
			...errors(error, 400, 401, 403, 404, 409, 413, 422, 429, 502, 503, 504, 508),
		},
	}),
	embeddings: createRoute({
		method: 'post',
		path: '/openai/v1/embeddings',
		tags,
		summary: 'Embeddings',
		security: keyed,
		request: { body: { required: true, content: json(embeddingsRequest) } },
		responses: {
			200: { description: 'One embedding for each input, in order', headers: answerHeaders, content: json(embeddingsResponse) },
			...errors(error, 400, 401, 403, 404, 413, 422, 429, 502, 503, 504),
		},
	}),
	models: createRoute({
		method: 'get',
		path: '/openai/v1/models',
		tags,
		summary: 'The models that embed or generate',
		security: keyed,
		responses: {
			200: { description: 'All of them', content: json(z.object({ object: z.literal('list'), data: z.array(model) })) },
			...errors(error, 401, 403, 429),
		},
	}),
	model: createRoute({
		method: 'get',
		path: '/openai/v1/models/{id}',
		tags,
		summary: 'One model',
		security: keyed,
		request: { params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: 'minilm' }) }) },
		responses: { 200: { description: 'The model', content: json(model) }, ...errors(error, 401, 403, 404, 429) },
	}),
}
