// Protocols that leave the form of bodies to the model: TorchServe, SageMaker, Azure ML.

import { describe, expect, test } from 'vitest'
import { tensor } from '../../../runtime/core/tensor.ts'
import { decodeResponse, encodeRequest, headerLengthName } from '../../../runtime/remote/oip.ts'
import { jsonOf, type Recorded, recorded, send } from '../harness/recorded.ts'
import { call, type EdgeUnderTest, expectedNumbers, keys, problemOf } from './under-test.ts'

const instances = [[1, 2, 3, 4]]
const asTensor = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }
const message = { inputs: { x: tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4)) }, binaryOutput: true }

export function hostedSuite(edge: () => EdgeUnderTest): void {
	const ask = (path: string, json: unknown, headers: Record<string, string> = {}) => call(edge(), path, { key: keys.secret, json, headers })

	describe.each(['/predictions/tiny', '/predictions/tiny/1.0.0', '/invocations', '/endpoints/tiny/invocations', '/score'])(
		'POST %s',
		(path) => {
			test.each<[string, unknown, unknown]>([
				['rows', { instances }, { predictions: [expectedNumbers] }],
				['rows by name', { instances: [{ x: [1, 2, 3, 4] }] }, { predictions: [expectedNumbers] }],
				['columns', { inputs: { x: instances } }, { outputs: [expectedNumbers] }],
				['bare', { input_data: instances }, [expectedNumbers]],
				['bare, by name', { input_data: { x: instances } }, [expectedNumbers]],
			])('%s', async (_, body, expected) => {
				const response = await ask(path, body)
				expect(response.status).toBe(200)
				expect(response.headers.get('content-type')).toBe('application/json')
				expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'edge', model: 'tiny' })
				expect(await response.json()).toEqual(expected)
			})

			test('the Open Inference Protocol, JSON and binary', async () => {
				const json = await ask(path, { id: 'q', inputs: [asTensor] })
				expect(await json.json()).toMatchObject({ id: 'q', model_name: 'tiny', outputs: [{ name: 'y', data: expectedNumbers }] })
				const { body, headers } = encodeRequest(message)
				const binary = await call(edge(), path, { method: 'POST', key: keys.secret, body, headers })
				const { outputs } = decodeResponse(new Uint8Array(await binary.arrayBuffer()), binary.headers.get(headerLengthName))
				expect(Array.from(outputs.y?.data as Float32Array)).toEqual(expectedNumbers)
			})

			test('refuses what it would have to guess at', async () => {
				for (const body of [
					{},
					[],
					{ data: instances },
					{ instances, inputs: { x: instances } },
					{ instances: [[1, 2]] },
					{ inputs: ['a'] },
				])
					expect((await ask(path, body)).status, JSON.stringify(body)).toBe(400)
				const sent = (type: string, body: string) =>
					call(edge(), path, { method: 'POST', key: keys.secret, body, headers: { 'content-type': type } })
				expect([415, 400]).toContain((await sent('text/csv', '1,2,3,4')).status)
				expect((await sent('application/json', '{')).status).toBe(400)
			})

			test('needs a key', async () => {
				const response = await call(edge(), path, { json: { instances } })
				expect([401, 403]).toContain(response.status)
				expect(await response.text()).toMatch(/API key/)
			})
		},
	)

	test('texts become vectors', async () => {
		const rows = await ask('/predictions/m', { instances: ['hello', 'world'] })
		const { predictions } = (await rows.json()) as { predictions: number[][] }
		expect(predictions.map((vector) => vector.length)).toEqual([4, 4])
		expect(await (await ask('/endpoints/m/invocations', { inputs: ['hello', 'world'] })).json()).toEqual(predictions)
		expect(await (await ask('/endpoints/m/invocations', { inputs: 'hello' })).json()).toEqual([predictions[0]])
	})

	describe('TorchServe', () => {
		test('/ping needs no key', async () => {
			const response = await call(edge(), '/ping')
			expect([response.status, await response.json()]).toEqual([200, { status: 'Healthy' }])
		})

		test('errors have its form', async () => {
			const error = async (path: string, init: Parameters<typeof call>[2]) => (await call(edge(), path, init)).json()
			expect(await error('/predictions/nope', { key: keys.secret, json: {} })).toMatchObject({ code: 404, type: 'ModelNotFoundException' })
			expect(await error('/predictions/tiny/9.0.0', { key: keys.secret, json: {} })).toMatchObject({
				code: 404,
				message: expect.stringContaining('9.0.0'),
			})
			expect(await error('/predictions/tiny', { key: keys.secret, json: {} })).toMatchObject({ code: 400, type: 'BadRequestException' })
			expect(await error('/predictions/tiny', {})).toMatchObject({ code: 405, type: 'MethodNotAllowedException' })
		})
	})

	describe('SageMaker', () => {
		const token = ['x-amz-security-token', keys.other]
		/** The recorded signature is good for the recorded headers only; nothing here depends on it. */
		const withToken = (one: Recorded): Recorded => ({
			...one,
			headers: one.headers.flatMap((value, at, all) =>
				at % 2 === 0 && !/^x-amz-security-token$/i.test(value) ? [value, all[at + 1] as string] : [],
			),
		})
		const replay = (name: string, at: number) => send(edge().url, withToken(recorded(name)[at] as Recorded), token)

		test.each(['boto3_sagemaker', 'aws_sdk_js_sagemaker'])('%s invokes an endpoint', async (name) => {
			const reply = await replay(name, 0)
			expect(reply.status).toBe(200)
			expect(jsonOf(reply)).toEqual({ predictions: [expectedNumbers] })
			expect(reply.headers['x-amzn-invoked-production-variant']).toBe('fp32')
		})

		test('errors have classes that its clients know', async () => {
			const [npy, nope] = [await replay('boto3_sagemaker', 1), await replay('boto3_sagemaker', 2)]
			for (const reply of [npy, nope]) {
				expect([reply.status, reply.headers['x-amzn-errortype']]).toEqual([400, 'ValidationError'])
				expect(jsonOf(reply).Message).toEqual(expect.any(String))
			}
			const stranger = await send(edge().url, recorded('boto3_sagemaker')[0] as Recorded)
			expect([stranger.status, stranger.headers['x-amzn-errortype']]).toEqual([403, 'UnrecognizedClientException'])
			expect((await replay('boto3_sagemaker', 4)).headers['x-amzn-errortype']).toBe('ValidationError')
		})

		test('a variant or a model that the endpoint does not have is not replaced by another', async () => {
			const target = (headers: Record<string, string>) => ask('/endpoints/tiny/invocations', { instances }, headers)
			expect((await target({ 'x-amzn-sagemaker-target-variant': 'fp32' })).status).toBe(200)
			expect((await target({ 'x-amzn-sagemaker-target-variant': 'int8' })).status).toBe(400)
			expect((await target({ 'x-amzn-sagemaker-target-model': 'tiny.tar.gz' })).status).toBe(200)
			expect((await target({ 'x-amzn-sagemaker-target-model': 'm.tar.gz' })).status).toBe(400)
		})

		test("binary tensors under the content type of Triton's containers", async () => {
			const { body, headers } = encodeRequest(message)
			const type = `application/vnd.sagemaker-triton.binary+json;json-header-size=${headers[headerLengthName]}`
			const response = await call(edge(), '/invocations', { method: 'POST', key: keys.secret, body, headers: { 'content-type': type } })
			const length = /^application\/vnd\.sagemaker-triton\.binary\+json;json-header-size=(\d+)$/.exec(
				response.headers.get('content-type') ?? '',
			)
			const { outputs } = decodeResponse(new Uint8Array(await response.arrayBuffer()), length?.[1] ?? null)
			expect(Array.from(outputs.y?.data as Float32Array)).toEqual(expectedNumbers)
		})
	})

	test('Azure ML: the deployment that is asked for, and told', async () => {
		const response = await ask('/score', { input_data: instances }, { 'azureml-model-deployment': 'js' })
		expect(response.headers.get('azureml-model-deployment')).toBe('js')
		expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ model: 'js' })
		const nope = await ask('/score', { input_data: instances }, { 'azureml-model-deployment': 'nope' })
		expect((await problemOf(nope)).code).toBe('not-found')
	})
}
