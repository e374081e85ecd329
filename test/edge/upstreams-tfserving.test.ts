// The executor of a TensorFlow Serving upstream, before a server with the answers of its documented wire format
// (https://www.tensorflow.org/tfx/serving/api_rest): what it sends, and what it makes of right answers and of wrong ones.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isUp } from '../../edge/upstreams/tfserving/health.ts'
import { tfservingUpstream } from '../../edge/upstreams/tfserving/upstream.ts'
import { type Call, spaceOf } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { packed, pixelDescription, textDescription, textTensors } from '../runtime/tiny.ts'
import { context } from './harness/minilm.ts'
import { upstreamModel } from './upstream-model.ts'

type Handler = (response: ServerResponse) => void

/** A server whose answers the tests decide. */
let handle: Handler
let seen: { path: string; headers: IncomingMessage['headers']; body: string } | undefined
const server = createServer(async (request, response) => {
	const parts: Buffer[] = []
	for await (const part of request) parts.push(part as Buffer)
	seen = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() }
	handle(response)
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

const answer =
	(text: string, status = 200): Handler =>
	(response) =>
		response.writeHead(status, { 'content-type': 'application/json' }).end(text)

const { manifest, digest } = await packed(pixelDescription())
const pixels = tensor('FP32', [1, 2, 3], Float32Array.of(0, 1, 2, 3, 4, -0))
const brighter = tensor('FP32', [1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
const call: Call = { kind: 'tensors', model: { name: 'tiny-pixels' }, tensors: { pixels } }

interface Settings {
	key?: string
	format?: 'columns' | 'rows'
	signature?: string
	as?: { name?: string; version?: string; variant?: string }
}

const executor = ({ key, format = 'columns', signature, as = {} }: Settings = {}) =>
	tfservingUpstream({
		upstream: { name: 'tpu', url, format, signature },
		key,
		model: upstreamModel({ manifest, digest }, as),
		environment: {},
	})

describe('a call', () => {
	test('goes out in columns, under the name, version, signature and key that the configuration gives', async () => {
		handle = answer('{"outputs":[[[1.0,2.0,3.0],[4.0,5.0,6.0]]]}')
		const made = await executor({ key: 'k', signature: 'predict_images', as: { name: 'pix', version: '2', variant: 'fp32' } }).infer(
			call,
			context(),
		)
		expect(made.output).toEqual({ kind: 'tensors', tensors: { brighter } })
		expect(seen?.path).toBe('/v1/models/pix/versions/2:predict')
		expect(seen?.body).toBe('{"signature_name":"predict_images","inputs":{"pixels":[[[0,1,2],[3,4,-0]]]}}')
		expect(seen?.headers).toMatchObject({ authorization: 'Bearer k', 'content-type': 'application/json', 'spillway-hops': '1' })
		expect(made.ran).toMatchObject({
			executor: 'tpu',
			model: 'tiny-pixels',
			version: '1.0.0',
			space: spaceOf('tiny-pixels', digest, 'fp32'),
		})
	})

	test('goes to a label where the version is no number', async () => {
		handle = answer('{"outputs":[[[1,2,3],[4,5,6]]]}')
		await executor({ as: { version: 'stable' } }).infer(call, context())
		expect(seen?.path).toBe('/v1/models/tiny-pixels/labels/stable:predict')
	})

	test('goes out in rows for servers that take no columns', async () => {
		handle = answer('{"predictions":[[[1,2,3],[4,5,6]]]}')
		const made = await executor({ format: 'rows' }).infer(call, context())
		expect(seen?.body).toBe('{"instances":[[[0,1,2],[3,4,-0]]]}')
		expect(made.output).toEqual({ kind: 'tensors', tensors: { brighter } })
	})

	test('with several inputs and outputs has them by name', async () => {
		const text = await packed(textDescription())
		const model = upstreamModel({ manifest: text.manifest, digest: text.digest })
		const asking: Call = { kind: 'tensors', model: { name: 'tiny-text' }, tensors: textTensors([[2, 3]]) }
		const vector = tensor('FP32', [1, 4], Float32Array.of(0.1, 2, 3, 4))
		const count = tensor('FP32', [1, 1], Float32Array.of(2))
		for (const [format, sent, text] of [
			['columns', '{"inputs":{"ids":[[2,3]],"mask":[[1,1]]}}', '{"outputs":{"count":[[2]],"vector":[[0.1,2,3,4]]}}'],
			['rows', '{"instances":[{"ids":[2,3],"mask":[1,1]}]}', '{"predictions":[{"count":[2],"vector":[0.1,2,3,4]}]}'],
		] as const) {
			handle = answer(text)
			const made = await tfservingUpstream({ upstream: { name: 'tpu', url, format }, key: undefined, model, environment: {} }).infer(
				asking,
				context(),
			)
			expect(seen?.body).toBe(sent)
			expect(made.output).toEqual({ kind: 'tensors', tensors: { vector, count } })
		}
	})

	test('that JSON cannot carry is not sent', async () => {
		seen = undefined
		const nan: Call = { ...call, tensors: { pixels: tensor('FP32', [1, 2, 3], new Float32Array(6).fill(Number.NaN)) } }
		await expect(executor().infer(nan, context())).rejects.toMatchObject({ code: 'unsupported' })
		expect(seen).toBeUndefined()
	})
})

describe('a wrong answer is an error', () => {
	test.each<[string, Handler, string]>([
		['another member', answer('{"predictions":[[[1,2,3],[4,5,6]]]}'), 'upstream'],
		['ragged', answer('{"outputs":[[[1,2,3],[4,5]]]}'), 'upstream'],
		['another shape', answer('{"outputs":[[[1,2],[3,4],[5,6]]]}'), 'upstream'],
		['text', answer('{"outputs":[[["1",2,3],[4,5,6]]]}'), 'upstream'],
		['NaN', answer('{"outputs":[[[NaN,2,3],[4,5,6]]]}'), 'upstream'],
		['an HTML page', answer('<html>'), 'upstream'],
		['404: the name is this edge’s', answer('{ "error": "Servable not found for request: Latest(nope)" }', 404), 'upstream'],
		['400: its words are not the caller’s', answer('{ "error": "JSON Value: 1 Type: Number is not of expected type" }', 400), 'upstream'],
		['429', answer('{ "error": "queue full" }', 429), 'rate-limited'],
		['503', answer('{ "error": "Servable unloading" }', 503), 'unavailable'],
		['500', answer('', 500), 'upstream'],
		['a socket that closes', (response) => response.destroy(), 'network'],
	])('%s', async (_, handler, code) => {
		handle = handler
		await expect(executor().infer(call, context())).rejects.toMatchObject({ code, message: expect.stringContaining('tpu') })
	})

	test('a server that never answers is left at the deadline', async () => {
		handle = () => {}
		await expect(executor().infer(call, { ...context(), remaining: 100 })).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})
})

describe('health', () => {
	const up = () => isUp({ upstream: { url, models: { a: {}, b: { name: 'c', version: '3' } } }, key: undefined, hops: 0 })
	const status = (state: string) =>
		`{"model_version_status":[{"version":"1","state":"${state}","status":{"error_code":"OK","error_message":""}}]}`

	test('is what a server says of its models, TensorFlow Serving or KServe', async () => {
		handle = answer(status('AVAILABLE'))
		expect(await up()).toBe(true)
		expect(seen?.path).toBe('/v1/models/a')
		handle = answer(status('LOADING'))
		expect(await up()).toBe(false)
		expect(seen?.path).toBe('/v1/models/c/versions/3')
		handle = answer('{"name":"a","ready":true}')
		expect(await up()).toBe(true)
		for (const wrong of [answer('{"error":"no"}', 404), answer('<html>'), answer('[]')]) {
			handle = wrong
			expect(await up()).toBe(false)
		}
	})

	test('nobody listens', async () => {
		expect(await isUp({ upstream: { url: 'http://127.0.0.1:9', models: { a: {} } }, key: undefined, hops: 0 })).toBe(false)
	})
})

test('a model whose inputs and outputs nobody has declared cannot be asked in JSON', () => {
	const model = { ...upstreamModel({ manifest, digest }), interface: { task: null, inputs: null, outputs: null, axes: {} } }
	expect(() => tfservingUpstream({ upstream: { name: 'tpu', url, format: 'columns' }, key: undefined, model, environment: {} })).toThrow(
		expect.objectContaining({ code: 'malformed' }),
	)
})
