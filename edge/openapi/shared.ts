// What the routes of several protocols have in common in the OpenAPI document.

import { z } from '@hono/zod-openapi'

const problem = z
	.object({
		type: z.string().openapi({ example: 'urn:spillway:error:not-found' }),
		title: z.string(),
		status: z.int(),
		detail: z.string(),
		code: z.string().openapi({ example: 'not-found', description: "Spillway's error code: see the list in the API's documentation." }),
		error: z
			.string()
			.optional()
			.openapi({ description: 'Under /v2 only: `detail` once more, where Open Inference Protocol clients read it.' }),
	})
	.openapi('Problem')

const words = {
	400: 'Malformed, or does not fit the model',
	401: 'No API key, or one that is not known',
	403: 'The key is not good for this origin or scope',
	404: 'Not found',
	409: 'The vector space that was asked for is not served here',
	412: 'Another revision than the one that was named',
	413: 'Over a limit',
	415: 'Another content type than JSON',
	422: 'The model does not do that',
	424: 'An upstream failed, or was not done in the time left',
	429: "Over the key's quota; `Retry-After` says when to come back",
	500: 'The edge failed',
	501: 'The model does not do that',
	502: 'An upstream failed',
	503: 'No executor can answer now',
	504: 'Not done in the time left',
	508: 'Too many hops: a loop of upstreams',
} as const

type Status = keyof typeof words

/** Responses with an error as problem+json (RFC 9457). */
export const problems = (...statuses: Status[]) =>
	Object.fromEntries(
		statuses.map((status) => [status, { description: words[status], content: { 'application/problem+json': { schema: problem } } }]),
	)

/** Statuses with their words, for protocols whose errors have another form. */
export const errors = (schema: z.ZodType, ...statuses: Status[]) =>
	Object.fromEntries(statuses.map((status) => [status, { description: words[status], content: { 'application/json': { schema } } }]))

/** Names of the security schemes of the document. */
export const keyed = [{ bearer: [] }, { apiKey: [] }]

/** A header is text; this one holds digits only. */
const wholeNumber = z.string().regex(/^\d{1,15}$/)

/** What a request may say about its call. */
export const callHeaders = z.object({
	'Spillway-Time-Left': wholeNumber.optional().openapi({ description: 'Milliseconds that the call may take.', example: '5000' }),
	'Spillway-Hops': wholeNumber.optional().openapi({ description: 'Network hops so far, this one included; 1 when absent.' }),
	'Spillway-Retries': wholeNumber.optional().openapi({ description: 'Retries left over all hops.' }),
	'Spillway-Priority': z.enum(['high', 'normal', 'low']).optional().openapi({ description: 'Who goes first where calls wait.' }),
	'Spillway-Space': z
		.string()
		.optional()
		.openapi({ description: 'The vector space that the answer must be in; 409 when it is not served here.' }),
	traceparent: z.string().optional().openapi({ description: 'W3C Trace Context.' }),
})

/** What every answer of a model tells. */
export const answerHeaders = z.object({
	'Spillway-Ran': z.string().openapi({ description: 'Where and how the answer was made: provenance as JSON.' }),
	'Spillway-Retries': z.string().optional().openapi({
		description: 'Retries that the call has left, after those that were spent here and at upstreams. Errors tell it, too.',
		example: '2',
	}),
	'Server-Timing': z.string().optional().openapi({ description: 'Milliseconds queued and run.', example: 'queue;dur=0.4, run;dur=11.2' }),
})
