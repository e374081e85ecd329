// SageMaker's routes and schemas, for the OpenAPI document.

import { createRoute, z } from '@hono/zod-openapi'
import { anyForm } from '../../openapi/any-form.ts'
import { answerHeaders, callHeaders, errors, keyed } from '../../openapi/shared.ts'

const tags = ['SageMaker']

const error = z
	.object({ Message: z.string(), OriginalMessage: z.string().optional(), OriginalStatusCode: z.int().optional() })
	.openapi('SageMakerError', { description: 'Its class stands in the header `x-amzn-ErrorType`.' })

const responses = {
	200: { description: 'In the form of the request', headers: answerHeaders, content: anyForm.answer },
	...errors(error, 400, 403, 424, 429, 500, 503, 508),
}

const body = { required: true, content: anyForm.request }
const name = z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'minilm' })

const targets = callHeaders.extend({
	'X-Amz-Security-Token': z.string().optional().openapi({ description: 'The API key, where an AWS client sends it.' }),
	'X-Amzn-SageMaker-Target-Variant': z.string().optional().openapi({ description: 'Must be the variant that is served.' }),
	'X-Amzn-SageMaker-Target-Model': z
		.string()
		.optional()
		.openapi({ description: 'Must be the name of the model, with or without `.tar.gz`.' }),
})

export const routes = {
	container: createRoute({
		method: 'post',
		path: '/invocations',
		tags,
		summary: 'What SageMaker asks of a container',
		description: 'Answered by the model of the setting `container.model`. Open without a key where `container.access` says so.',
		security: keyed,
		request: { headers: callHeaders, body },
		responses,
	}),
	endpoint: createRoute({
		method: 'post',
		path: '/endpoints/{name}/invocations',
		tags,
		summary: "InvokeEndpoint, for AWS's clients",
		description: 'The API key is the session token of the credentials. Signatures are not checked.',
		security: keyed,
		request: { params: z.object({ name }), headers: targets, body },
		responses,
	}),
}
