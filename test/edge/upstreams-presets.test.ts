// The presets of a declared mapping: TorchServe, Ray Serve, Azure ML, SageMaker with its signatures; and their health.

import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kindOf, type UpstreamConfig, upstreamSchema } from '../../edge/upstreams/kinds.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { context } from './harness/minilm.ts'
import { call, expected, MappedServer, pair, right, type Seen } from './mapped-server.ts'

const there = new MappedServer()
beforeAll(() => there.listen())
afterAll(() => there.close())

describe('presets', () => {
	test('TorchServe: the version is part of the path', async () => {
		const rows = {
			predictions: [
				{ y: [1, 2], n: 5 },
				{ y: [3, 4], n: 6 },
			],
		}
		expect(await there.outputs({ kind: 'torchserve' }, rows)).toEqual(expected)
		expect(there.seen?.path).toBe('/base/predictions/pair%20there/7')
		await there.outputs({ kind: 'torchserve' }, rows, { model: { ...pair, remote: { name: 'pair' } } })
		expect(there.seen?.path).toBe('/base/predictions/pair')
	})

	test('Ray Serve: columns, bare', async () => {
		expect(await there.outputs({ kind: 'ray-serve', path: '/app' }, right)).toEqual(expected)
		expect(Object.keys(there.asked())).toEqual(['a', 'b'])
		expect(there.seen?.path).toBe('/base/app')
	})

	test('Azure ML: columns in input_data, the deployment in a header', async () => {
		expect(await there.outputs({ kind: 'azureml', deployment: 'blue' }, right, { key: 'k' })).toEqual(expected)
		expect(there.asked().input_data.b).toEqual([0.5, -0])
		expect(there.seen).toMatchObject({ path: '/base/score', headers: { 'azureml-model-deployment': 'blue', authorization: 'Bearer k' } })
	})
})

describe('SageMaker', () => {
	const sagemaker = { kind: 'sagemaker', region: 'eu-west-1', url: '' }
	const environment = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'the secret', AWS_SESSION_TOKEN: 'the token' }
	const settings = () => ({ ...sagemaker, url: there.url })

	/** What arrived, signed again by the rules of AWS's documentation. */
	function signatureOf({ method, path, headers, body }: Seen): string {
		const [, date = '', signedHeaders = ''] =
			/Credential=AKID\/(\d+)\/eu-west-1\/sagemaker\/aws4_request, SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? []
		const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
		const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
		const lines = signedHeaders.split(';').map((name) => `${name}:${headers[name]}\n`)
		// Every service but S3 takes the path encoded twice.
		const canonical = [method, path.split('/').map(encodeURIComponent).join('/'), '', lines.join(''), signedHeaders, sha256(body)].join(
			'\n',
		)
		const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], `${date}/eu-west-1/sagemaker/aws4_request`, sha256(canonical)].join('\n')
		const key = ['eu-west-1', 'sagemaker', 'aws4_request'].reduce<Buffer>((last, part) => hmac(last, part), hmac('AWS4the secret', date))
		return hmac(key, text).toString('hex')
	}

	test('requests are signed, the body included', async () => {
		expect(
			await there.outputs(
				{ ...settings(), targetVariant: 'v1', targetModel: 'm.tar.gz' },
				{
					predictions: [
						{ y: [1, 2], n: 5 },
						{ y: [3, 4], n: 6 },
					],
				},
				{ environment },
			),
		).toEqual(expected)
		expect(there.seen).toMatchObject({
			method: 'POST',
			path: '/endpoints/pair%20there/invocations',
			headers: {
				'x-amzn-sagemaker-target-variant': 'v1',
				'x-amzn-sagemaker-target-model': 'm.tar.gz',
				'x-amz-security-token': 'the token',
			},
		})
		expect(there.seen?.headers.authorization).toContain('x-amz-security-token')
		expect(/Signature=(\w+)$/.exec(there.seen?.headers.authorization ?? '')?.[1]).toBe(signatureOf(there.seen as Seen))
	})

	test("Triton's containers: the length of the JSON in the content type, both ways", async () => {
		there.handle = (response, { headers, body }) => {
			const length =
				/^application\/vnd\.sagemaker-triton\.binary\+json;json-header-size=(\d+)$/.exec(headers['content-type'] ?? '')?.[1] ?? null
			const request = decodeRequest(body, length)
			const y = tensor('FP32', [2, 2], Float32Array.of(1, 2, 3, 4))
			const message = encodeResponse({ model: 'm', version: '1', outputs: { y, n: tensor('INT32', [2], Int32Array.of(5, 6)) } }, request)
			response.writeHead(200, {
				'content-type': `application/vnd.sagemaker-triton.binary+json;json-header-size=${message.headers[headerLengthName]}`,
			})
			response.end(message.body)
		}
		const { output } = await there.make({ ...settings(), tensors: 'oip-binary' }, { environment }).infer(call, context())
		expect(output.kind === 'tensors' && Array.from(output.tensors.y?.data as Float32Array)).toEqual([1, 2, 3, 4])
		expect(there.seen?.headers[headerLengthName]).toBeUndefined()
		expect(/Signature=(\w+)$/.exec(there.seen?.headers.authorization ?? '')?.[1]).toBe(signatureOf(there.seen as Seen))
	})

	test("a model's failure is told in SageMaker's words", async () => {
		there.handle = (response) =>
			response.writeHead(424, { 'x-amzn-errortype': 'ModelError' }).end('{"Message":"Received server error (500) from model"}')
		const failed = there.make(settings(), { environment }).infer(call, context())
		await expect(failed).rejects.toMatchObject({ code: 'upstream', message: 'there: Received server error (500) from model' })
	})

	test('without its secrets it is not made', () => {
		expect(() => there.make(settings())).toThrow(/AWS_ACCESS_KEY_ID is not set/)
	})
})

describe('health', () => {
	const up = (settings: object, key?: string) => {
		const upstream = upstreamSchema.parse({ name: 'there', url: there.url, models: { pair: {} }, ...settings }) as UpstreamConfig
		return kindOf(upstream).isUp({ upstream: upstream as never, key, hops: 0, environment: {} })
	}

	test('is what the server says, or that it answers at all', async () => {
		there.handle = (response, { path }) => response.writeHead(path === '/ping' ? 200 : 404).end()
		expect(await up({ kind: 'torchserve' })).toBe(true)
		expect(there.seen).toMatchObject({ method: 'GET', path: '/ping' })
		expect(await up({ kind: 'ray-serve' })).toBe(false)
		expect(there.seen?.path).toBe('/-/healthz')
		expect(await up({ kind: 'azureml' })).toBe(true)
		there.handle = (response) => response.writeHead(503).end()
		expect(await up({ kind: 'azureml' })).toBe(false)
		expect(await up({ kind: 'torchserve', url: 'http://127.0.0.1:9' })).toBe(false)
	})

	test('is asked as calls are, where the server wants a key for it', async () => {
		there.handle = (response, { headers }) => response.writeHead(headers['x-key'] === 'k' && headers['x-more'] === '1' ? 200 : 401).end()
		const settings = { kind: 'http', health: '/alive', keyHeader: 'X-Key', headers: { 'x-more': '1' } }
		expect(await up(settings, 'k')).toBe(true)
		expect(await up(settings)).toBe(false)
		// What only tells that it can be reached needs no key, and is shown none.
		await up({ kind: 'azureml' }, 'k')
		expect(there.seen?.headers.authorization).toBeUndefined()
	})
})
