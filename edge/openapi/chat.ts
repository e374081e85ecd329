// Chat completions in the OpenAPI document, for the protocols that have them.

import { z } from '@hono/zod-openapi'

/** What every model's request has; other members are handed on as they come. */
export const chatRequest = z.looseObject({
	messages: z
		.array(z.looseObject({ role: z.string().min(1) }))
		.min(1)
		.openapi({ example: [{ role: 'user', content: 'how do I change a tyre?' }] }),
	n: z.int().min(1).max(128).nullish().openapi({ description: 'How many answers; 1 when absent.' }),
})

export const chatCompletion = z
	.looseObject({
		id: z.string(),
		object: z.literal('chat.completion'),
		created: z.int(),
		model: z.string(),
		choices: z.array(
			z.looseObject({
				index: z.int(),
				message: z.looseObject({ role: z.string(), content: z.unknown() }),
				finish_reason: z.string().nullable(),
			}),
		),
		usage: z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }).nullish(),
	})
	.openapi('ChatCompletion')

/** An answer in parts. */
export const chatEvents = {
	'text/event-stream': {
		schema: z
			.object({
				event: z.enum(['message', 'error']).optional(),
				data: z
					.string()
					.openapi({ description: 'A chunk of the completion as JSON, at the end `[DONE]`; or the error that the answer broke off by.' }),
			})
			.openapi('ChatEvent', { description: 'One of the server-sent events.' }),
	},
}
