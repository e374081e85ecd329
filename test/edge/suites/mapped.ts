// Upstreams of a declared mapping, as an edge uses them: another edge answers them in the protocols of TensorFlow
// Serving, TorchServe, SageMaker and Azure ML.

import { expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import { call, type EdgeUnderTest, expectedNumbers, keys } from './under-test.ts'

const declared = {
	inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [1, 4] }],
	outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [1, 3] }],
}

/** What the upstreams are told to be, each with a model of its own that is `tiny` there. */
const kinds = (url: string) =>
	({
		tfserving: { kind: 'tfserving', url, key: { env: 'GPU_KEY' } },
		'tfserving-rows': { kind: 'tfserving', url, key: { env: 'GPU_KEY' }, format: 'rows' },
		torchserve: { kind: 'torchserve', url, key: { env: 'GPU_KEY' } },
		sagemaker: { kind: 'sagemaker', url, region: 'eu-west-1' },
		'sagemaker-triton': { kind: 'sagemaker', url, region: 'eu-west-1', tensors: 'oip-binary' },
		azureml: { kind: 'azureml', url, key: { env: 'GPU_KEY' }, deployment: 'tiny' },
		mapped: { kind: 'http', url, key: { env: 'GPU_KEY' }, keyHeader: 'x-api-key', path: '/v1/models/{model}:predict', health: '/healthz' },
	}) as const

const named = (model: string) => ({ models: { [model]: { name: 'tiny' } } })

/** @param url of the edge that answers. */
export const mappedConfig = (url: string) =>
	({
		models: Object.fromEntries(Object.keys(kinds(url)).map((name) => [name, { inProcess: false, declared }])),
		upstreams: Object.entries(kinds(url)).map(([name, kind]) => ({ name: `${name}-there`, ...kind, ...named(name) })),
	}) satisfies EdgeConfigInput

export const mappedSecrets = {
	GPU_KEY: keys.secret,
	AWS_ACCESS_KEY_ID: 'spillway',
	AWS_SECRET_ACCESS_KEY: 'unused',
	// Where an edge looks for its key.
	AWS_SESSION_TOKEN: keys.secret,
}

export function mappedSuite(edge: () => Pick<EdgeUnderTest, 'url'>): void {
	test.each(Object.keys(kinds('')))('%s answers, and provenance names it', async (model) => {
		const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }]
		const response = await call({ ...edge(), space: '' }, `/v2/models/${model}/infer`, { key: keys.secret, json: { inputs } })
		expect(await response.json()).toMatchObject({ outputs: [{ name: 'y', data: expectedNumbers }] })
		expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: `${model}-there`, model, hops: 1 })
	})
}
