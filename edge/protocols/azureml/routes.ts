// Azure ML's route and its schemas, for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { anyForm } from '../../openapi/any-form.ts'
import { answerHeaders, callHeaders, keyed, problems } from '../../openapi/shared.ts'

/** Header with the deployment that is to answer, and that did. */
export const deployment = 'azureml-model-deployment'

export const routes = {
	score: createRoute({
		method: 'post',
		path: '/score',
		tags: ['Azure ML'],
		summary: 'Runs the model',
		description:
			'The one that the header names, else that of the setting `container.model`. Open without a key where `container.access` says so.',
		security: keyed,
		request: {
			headers: callHeaders.extend({
				[deployment]: z.string().optional().openapi({ description: 'Name of the model that is to answer.', example: 'minilm' }),
			}),
			body: { required: true, content: anyForm.request },
		},
		responses: {
			200: { description: 'In the form of the request', headers: answerHeaders, content: anyForm.answer },
			...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 502, 503, 504, 508),
		},
	}),
}
