// Bodies of protocols that leave their form to the model, in the OpenAPI document.

import { z } from '@hono/zod-openapi'

const bytes = z.string().openapi({ format: 'binary' })

const request = z
	.looseObject({
		instances: z.array(z.unknown()).min(1).optional().openapi({
			description: 'Rows: values of the only input, objects with a value for each input, or texts. Answered by `predictions`.',
		}),
		inputs: z.unknown().optional().openapi({
			description:
				'Columns by name, answered by `outputs`; tensors of the Open Inference Protocol; or texts, answered by a list of vectors.',
		}),
		input_data: z.unknown().optional().openapi({ description: 'Rows or columns, answered by the bare outputs.' }),
	})
	.openapi('AnyFormRequest', { description: 'One of `instances`, `inputs` and `input_data`.' })

const answer = z.unknown().openapi('AnyFormResponse', { description: 'In the form of the request.' })

const described = { 'application/octet-stream': { schema: bytes } }

/** Content of request and answer. The binary one is an Open Inference Protocol message. */
export const anyForm = {
	request: { 'application/json': { schema: request }, ...described },
	answer: { 'application/json': { schema: answer }, ...described },
}
