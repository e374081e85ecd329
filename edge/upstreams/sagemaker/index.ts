// Amazon SageMaker's endpoints: InvokeEndpoint, signed with Signature Version 4.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html

import { z } from 'zod'
import { secret } from '../../config/fields.ts'
import { findSecret, secretOf } from '../../config/secrets.ts'
import { isUp } from '../http/health.ts'
import { preset } from '../http/mapping.ts'
import { httpUpstream } from '../http/upstream.ts'
import { upstreamKind } from '../upstream.ts'
import { signed } from './signed.ts'
import { ofTriton } from './triton.ts'

export const sagemaker = upstreamKind({
	kind: 'sagemaker',
	settings: {
		...preset({ path: '/endpoints/{model}/invocations' }),
		region: z.string().min(1),
		accessKeyId: secret.default({ env: 'AWS_ACCESS_KEY_ID' }),
		secretAccessKey: secret.default({ env: 'AWS_SECRET_ACCESS_KEY' }),
		/** Of temporary credentials; where it is not set, none is sent. */
		sessionToken: secret.default({ env: 'AWS_SESSION_TOKEN' }),
		/** The production variant that is to answer; without it, the endpoint's weights decide. */
		targetVariant: z.string().min(1).optional(),
		/** The model of a multi-model endpoint, e.g. `model.tar.gz`. */
		targetModel: z.string().min(1).optional(),
	},
	executor: ({ upstream, fetch, environment, ...options }) => {
		const { region, targetVariant, targetModel, headers } = upstream
		const account = {
			region,
			accessKeyId: secretOf(upstream.accessKeyId, environment),
			secretAccessKey: secretOf(upstream.secretAccessKey, environment),
			sessionToken: findSecret(upstream.sessionToken, environment),
		}
		return httpUpstream({
			upstream: {
				...upstream,
				headers: {
					...(targetVariant !== undefined && { 'x-amzn-sagemaker-target-variant': targetVariant }),
					...(targetModel !== undefined && { 'x-amzn-sagemaker-target-model': targetModel }),
					...headers,
				},
			},
			// What is signed must be what is sent: the signature comes last.
			fetch: ofTriton(signed(account, fetch)),
			environment,
			...options,
		})
	},
	isUp,
})
