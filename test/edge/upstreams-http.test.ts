// Upstreams of a declared mapping: what they send, what they make of right answers and of every wrong one.

import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkConfig } from '../../edge/config/load.ts'
import { kindOf, type UpstreamConfig, upstreamSchema } from '../../edge/upstreams/kinds.ts'
import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Call } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { context } from './harness/minilm.ts'

interface Seen {
	readonly method: string
	readonly path: string
	readonly headers: IncomingHttpHeaders
	readonly body: Buffer
}

let handle: (response: ServerResponse, seen: Seen) => void
let seen: Seen | undefined
const server = createServer(async (request, response) => {
	const parts: Buffer[] = []
	for await (const part of request) parts.push(part as Buffer)
	seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) }
	handle(response, seen)
})
let url: string
beforeAll(async () => {
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
	server.closeAllConnections()
	server.close()
})

const answerWith = (body: unknown) => {
	handle = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const asked = () => JSON.parse(seen?.body.toString() ?? '')

/** Two inputs and two outputs along one axis. */
const pair: UpstreamModel = {
	name: 'pair',
	version: '1',
	interface: {
		task: { kind: 'embed', dimensions: 2 },
		inputs: [
			{ name: 'a', datatype: 'INT64', shape: ['batch', 2] },
			{ name: 'b', datatype: 'FP32', shape: ['batch'] },
		],
		outputs: [
			{ name: 'y', datatype: 'FP32', shape: ['batch', 2] },
			{ name: 'n', datatype: 'INT32', shape: ['batch'] },
		],
		axes: {},
	},
	remote: { name: 'pair there', version: '7' },
	variant: undefined,
	space: 'pair@1',
}
const call: Call = {
	kind: 'tensors',
	model: { name: 'pair' },
	tensors: { a: tensor('INT64', [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n)), b: tensor('FP32', [2], Float32Array.of(0.5, -0)) },
}
const embed: Call = { kind: 'task', model: { name: 'pair' }, task: 'embed', input: ['x', 'y'] }
const right = {
	y: [
		[1, 2],
		[3, 4],
	],
	n: [5, 6],
}

function make(
	settings: object,
	{ model = pair, environment = {}, key }: { model?: UpstreamModel; environment?: object; key?: string } = {},
) {
	const upstream = upstreamSchema.parse({ name: 'there', url: `${url}/base/`, models: { pair: {} }, ...settings }) as UpstreamConfig
	return kindOf(upstream).executor({ upstream: upstream as never, key, model, environment: { ...environment } })
}

async function outputs(settings: object, body: unknown, options?: Parameters<typeof make>[1]) {
	answerWith(body)
	const { output } = await make(settings, options).infer(call, context())
	if (output.kind !== 'tensors') throw new Error('no tensors')
	return Object.fromEntries(
		Object.entries(output.tensors).map(([name, { shape, data }]) => [name, [shape, Array.from(data as Float32Array)]]),
	)
}
const expected = {
	y: [
		[2, 2],
		[1, 2, 3, 4],
	],
	n: [[2], [5, 6]],
}

describe('http', () => {
	test('rows go out and come back by default', async () => {
		expect(
			await outputs(
				{ kind: 'http', path: '/run' },
				{
					predictions: [
						{ y: [1, 2], n: 5 },
						{ y: [3, 4], n: 6, more: 1 },
					],
				},
			),
		).toEqual(expected)
		expect(asked()).toEqual({
			instances: [
				{ a: [1, 2], b: 0.5 },
				{ a: [3, 4], b: -0 },
			],
		})
		expect([seen?.method, seen?.path]).toEqual(['POST', '/base/run'])
		expect(seen?.body.toString()).toContain('"b":-0')
	})

	test('everything is as declared', async () => {
		const settings = {
			kind: 'http',
			method: 'PUT',
			path: '/run/{model}/{version}?q=1',
			headers: { 'X-Tenant': 'search', 'X-Secret': { env: 'THE_SECRET' } },
			keyHeader: 'api-key',
			body: { parts: ['$input.a', '$shape.b', '$datatype.a', '$model', '$version', '$$literal', 1, null, true], all: '$columns' },
			outputs: { y: '/result/*/y', n: '/a~1b' },
		}
		const body = { result: [{ y: [1, 2] }, { y: [3, 4] }], 'a/b': [5, 6] }
		expect(await outputs(settings, body, { key: 'k', environment: { THE_SECRET: 's' } })).toEqual(expected)
		expect([seen?.method, seen?.path]).toEqual(['PUT', '/base/run/pair%20there/7?q=1'])
		expect(seen?.headers).toMatchObject({ 'x-tenant': 'search', 'x-secret': 's', 'api-key': 'k', 'spillway-hops': '1' })
		expect(seen?.headers.authorization).toBeUndefined()
		expect(asked().parts).toEqual([
			[
				[1, 2],
				[3, 4],
			],
			[2],
			'INT64',
			'pair there',
			'7',
			'$literal',
			1,
			null,
			true,
		])
		expect(asked().all).toEqual({
			a: [
				[1, 2],
				[3, 4],
			],
			b: [0.5, -0],
		})
	})

	test('a key goes out as Bearer', async () => {
		await outputs({ kind: 'http', outputs: '' }, right, { key: 'k' })
		expect(seen?.headers.authorization).toBe('Bearer k')
	})

	test('texts', async () => {
		answerWith({ usage: { n: 3 }, data: [{ v: [1, 2] }, { v: [3, 4] }] })
		const settings = { kind: 'http', embed: { body: { input: '$texts', model: '$model' }, vectors: '/data/*/v', tokens: '/usage/n' } }
		const { output, ran } = await make(settings).infer(embed, context())
		expect(output).toEqual({ kind: 'embed', vectors: [Float32Array.of(1, 2), Float32Array.of(3, 4)], tokens: 3 })
		expect(ran).toMatchObject({ executor: 'there', version: '1', space: 'pair@1', hops: 1 })
		expect(asked()).toEqual({ input: ['x', 'y'], model: 'pair there' })
		for (const data of [[], [{ v: [1, 2] }], [{ v: [1] }, { v: [2] }], [{ v: [1, null] }, { v: [1, 2] }], [{ v: [1, 2] }, {}]]) {
			answerWith({ usage: { n: 3 }, data })
			await expect(make(settings).infer(embed, context())).rejects.toMatchObject({ code: 'upstream' })
		}
		await expect(make({ kind: 'http' }).infer(embed, context())).rejects.toMatchObject({ code: 'unsupported' })
	})

	test('what JSON cannot carry is not sent', async () => {
		seen = undefined
		const nan: Call = {
			...call,
			tensors: { ...(call.kind === 'tensors' && call.tensors), b: tensor('FP32', [2], Float32Array.of(1, Number.NaN)) },
		}
		await expect(make({ kind: 'http' }).infer(nan, context())).rejects.toMatchObject({ code: 'unsupported' })
		expect(seen).toBeUndefined()
	})
})

describe('a wrong answer is an error', () => {
	const fails = async (code: string) =>
		expect(make({ kind: 'http', outputs: '' }).infer(call, context())).rejects.toMatchObject({
			code,
			message: expect.stringContaining('there'),
		})

	test.each<[string, unknown]>([
		['a list too short', [{ y: [1, 2], n: 5 }]],
		['a row without an output', [{ y: [1, 2], n: 5 }, { y: [1, 2] }]],
		['ragged', { ...right, y: [[1, 2], [3]] }],
		['another shape', { ...right, y: [[1], [2]] }],
		[
			'text',
			{
				...right,
				y: [
					['1', '2'],
					['3', '4'],
				],
			},
		],
		['null', { ...right, n: [null, 1] }],
		['half an integer', { ...right, n: [1.5, 1] }],
		[
			'a number beyond FP32',
			{
				...right,
				y: [
					[1e300, 2],
					[3, 4],
				],
			},
		],
		['nothing', null],
		['an error in a 200', { error: 'CUDA out of memory' }],
	])('%s', async (_, body) => {
		answerWith(body)
		await fails('upstream')
	})

	test.each<[number, string]>([
		[400, 'upstream'],
		[401, 'upstream'],
		[404, 'upstream'],
		[302, 'upstream'],
		[424, 'upstream'],
		[429, 'rate-limited'],
		[500, 'upstream'],
		[503, 'unavailable'],
		[504, 'deadline-exceeded'],
	])('status %i', async (status, code) => {
		handle = (response) => response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"there it failed"}')
		await fails(code)
	})

	test('an HTML page, a body cut off, a socket that closes', async () => {
		handle = (response) => response.writeHead(200).end('<html>')
		await fails('upstream')
		handle = (response) => {
			response.writeHead(200, { 'content-length': 1000 }).write('{"y"')
			setTimeout(() => response.destroy(), 10)
		}
		await fails('network')
		handle = (response) => response.destroy()
		await fails('network')
	})
})

describe('presets', () => {
	test('TorchServe: the version is part of the path', async () => {
		const rows = {
			predictions: [
				{ y: [1, 2], n: 5 },
				{ y: [3, 4], n: 6 },
			],
		}
		expect(await outputs({ kind: 'torchserve' }, rows)).toEqual(expected)
		expect(seen?.path).toBe('/base/predictions/pair%20there/7')
		await outputs({ kind: 'torchserve' }, rows, { model: { ...pair, remote: { name: 'pair' } } })
		expect(seen?.path).toBe('/base/predictions/pair')
	})

	test('Ray Serve: columns, bare', async () => {
		expect(await outputs({ kind: 'ray-serve', path: '/app' }, right)).toEqual(expected)
		expect(Object.keys(asked())).toEqual(['a', 'b'])
		expect(seen?.path).toBe('/base/app')
	})

	test('Azure ML: columns in input_data, the deployment in a header', async () => {
		expect(await outputs({ kind: 'azureml', deployment: 'blue' }, right, { key: 'k' })).toEqual(expected)
		expect(asked().input_data.b).toEqual([0.5, -0])
		expect(seen).toMatchObject({ path: '/base/score', headers: { 'azureml-model-deployment': 'blue', authorization: 'Bearer k' } })
	})
})

describe('SageMaker', () => {
	const sagemaker = { kind: 'sagemaker', region: 'eu-west-1', url: '' }
	const environment = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'the secret', AWS_SESSION_TOKEN: 'the token' }
	const settings = () => ({ ...sagemaker, url })

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
			await outputs(
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
		expect(seen).toMatchObject({
			method: 'POST',
			path: '/endpoints/pair%20there/invocations',
			headers: {
				'x-amzn-sagemaker-target-variant': 'v1',
				'x-amzn-sagemaker-target-model': 'm.tar.gz',
				'x-amz-security-token': 'the token',
			},
		})
		expect(seen?.headers.authorization).toContain('x-amz-security-token')
		expect(/Signature=(\w+)$/.exec(seen?.headers.authorization ?? '')?.[1]).toBe(signatureOf(seen as Seen))
	})

	test("Triton's containers: the length of the JSON in the content type, both ways", async () => {
		handle = (response, { headers, body }) => {
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
		const { output } = await make({ ...settings(), tensors: 'oip-binary' }, { environment }).infer(call, context())
		expect(output.kind === 'tensors' && Array.from(output.tensors.y?.data as Float32Array)).toEqual([1, 2, 3, 4])
		expect(seen?.headers[headerLengthName]).toBeUndefined()
		expect(/Signature=(\w+)$/.exec(seen?.headers.authorization ?? '')?.[1]).toBe(signatureOf(seen as Seen))
	})

	test("a model's failure is told in SageMaker's words", async () => {
		handle = (response) =>
			response.writeHead(424, { 'x-amzn-errortype': 'ModelError' }).end('{"Message":"Received server error (500) from model"}')
		const failed = make(settings(), { environment }).infer(call, context())
		await expect(failed).rejects.toMatchObject({ code: 'upstream', message: 'there: Received server error (500) from model' })
	})

	test('without its secrets it is not made', () => {
		expect(() => make(settings())).toThrow(/AWS_ACCESS_KEY_ID is not set/)
	})
})

describe('health', () => {
	const up = (settings: object) => {
		const upstream = upstreamSchema.parse({ name: 'there', url, models: { pair: {} }, ...settings }) as UpstreamConfig
		return kindOf(upstream).isUp({ upstream: upstream as never, key: undefined, hops: 0, environment: {} })
	}

	test('is what the server says, or that it answers at all', async () => {
		handle = (response, { path }) => response.writeHead(path === '/ping' ? 200 : 404).end()
		expect(await up({ kind: 'torchserve' })).toBe(true)
		expect(seen).toMatchObject({ method: 'GET', path: '/ping' })
		expect(await up({ kind: 'ray-serve' })).toBe(false)
		expect(seen?.path).toBe('/-/healthz')
		expect(await up({ kind: 'azureml' })).toBe(true)
		handle = (response) => response.writeHead(503).end()
		expect(await up({ kind: 'azureml' })).toBe(false)
		expect(await up({ kind: 'torchserve', url: 'http://127.0.0.1:9' })).toBe(false)
	})
})

describe('mistakes', () => {
	test.each<[string, object, RegExp]>([
		['a word that stands for nothing', { body: { x: '$row' } }, /"\$row" stands for nothing/],
		['a pointer that is none', { outputs: 'predictions' }, /JSON Pointer/],
		['a path with other braces', { path: '/{name}' }, /\{model\} and \{version\} only/],
		['another setting', { pathh: '/' }, /did you mean "path"/],
	])('%s is found by check-config', (_, settings, words) => {
		const upstream = { name: 'there', kind: 'http', url: 'http://there', models: { m: {} }, ...settings }
		expect(checkConfig({ file: { models: { m: {} }, upstreams: [upstream] } }).errors.join('\n')).toMatch(words)
	})

	test.each<[string, object, Partial<UpstreamModel>, RegExp]>([
		['no version for the path', { path: '/{version}' }, { remote: { name: 'pair' } }, /models\.pair\.version/],
		['an input that is not there', { body: '$input.c' }, {}, /"c", which the model does not have/],
		['an output that stands nowhere', { outputs: { y: '/y' } }, {}, /where "n" stands/],
		['texts for a model without the task', { embed: {} }, { interface: { ...pair.interface, task: null } }, /does not embed/],
		['unknown tensors', {}, { interface: { ...pair.interface, inputs: null, outputs: null } }, /are not declared/],
	])('%s is found when the executor is made', (_, settings, model, words) => {
		expect(() => make({ kind: 'http', ...settings }, { model: { ...pair, ...model } })).toThrow(words)
	})
})
