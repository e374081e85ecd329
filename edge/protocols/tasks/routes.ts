// The task route and its schemas, for validation and for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { chatCompletion, chatEvents, chatRequest } from '../../openapi/chat.ts'
import { answerHeaders, callHeaders, keyed, problems } from '../../openapi/shared.ts'

/** Body of `POST /v1/tasks/embed`. */
export const embedRequest = z
	.strictObject({
		model: z.string().min(1).openapi({ example: 'minilm' }),
		version: z.string().min(1).optional(),
		input: z
			.array(z.string())
			.min(1)
			.openapi({ example: ['how do I reset my password?'] }),
		space: z.string().min(1).optional().openapi({ description: 'The vector space that the answer must be in.' }),
	})
	.openapi('EmbedRequest')

/** Body of `POST /v1/tasks/generate`. */
export const generateRequest = z
	.strictObject({
		model: z.string().min(1).openapi({ example: 'assistant' }),
		version: z.string().min(1).optional(),
		input: chatRequest,
		stream: z.boolean().default(false).openapi({ description: 'Whether the answer comes as server-sent events, chunk by chunk.' }),
	})
	.openapi('GenerateRequest')

export const routes = {
	generate: createRoute({
		method: 'post',
		path: '/v1/tasks/generate',
		tags: ['Tasks'],
		summary: 'A conversation in, what the model writes next out',
		description:
			"Answers as OpenAI's chat completions do: whole, or with `stream` in chunks, ended by `[DONE]`. An answer that fails after its first chunk " +
			'ends with an event whose `error` is a problem (RFC 9457), and without `[DONE]`.',
		security: keyed,
		request: { headers: callHeaders, body: { required: true, content: { 'application/json': { schema: generateRequest } } } },
		responses: {
			200: {
				description: 'The answer',
				headers: answerHeaders,
				content: { 'application/json': { schema: chatCompletion }, ...chatEvents },
			},
			...problems(400, 401, 403, 404, 409, 413, 422, 429, 502, 503, 504, 508),
		},
	}),
	task: createRoute({
		method: 'post',
		path: '/v1/tasks/{task}',
		tags: ['Tasks'],
		summary: 'Text in, binary vectors out',
		description:
			'Answers in the form of an Open Inference Protocol response with binary data: `Inference-Header-Content-Length` bytes of JSON ' +
			'(`parameters.tokens`: tokens read, output `embedding`: FP32 [texts, dimensions]), then the vectors, little-endian.',
		security: keyed,
		request: {
			headers: callHeaders,
			params: z.object({ task: z.enum(['embed']).openapi({ param: { name: 'task', in: 'path' } }) }),
			body: { required: true, content: { 'application/json': { schema: embedRequest } } },
		},
		responses: {
			200: {
				description: 'One vector for each text, in order',
				headers: answerHeaders,
				content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
			},
			...problems(400, 401, 403, 404, 409, 413, 422, 429, 502, 503, 504, 508),
		},
	}),
}
