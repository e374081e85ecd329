// Azure Machine Learning's online endpoints, in the form of its MLflow deployments.
// https://learn.microsoft.com/azure/machine-learning/how-to-deploy-mlflow-models-online-endpoints

import { z } from 'zod'
import { isUp } from '../http/health.ts'
import { preset } from '../http/mapping.ts'
import { httpUpstream } from '../http/upstream.ts'
import { upstreamKind } from '../upstream.ts'

export const azureml = upstreamKind({
	kind: 'azureml',
	settings: {
		...preset({ path: '/score', body: { input_data: '$columns' }, outputs: '' }),
		/** The deployment that is to answer; without it, the endpoint's traffic rules decide. */
		deployment: z.string().min(1).optional(),
	},
	executor: ({ upstream, ...options }) => {
		const { deployment, headers } = upstream
		return httpUpstream({
			upstream: { ...upstream, headers: { ...(deployment !== undefined && { 'azureml-model-deployment': deployment }), ...headers } },
			...options,
		})
	},
	isUp,
})
