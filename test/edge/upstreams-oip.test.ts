// The executor of an Open Inference Protocol upstream: what it makes of right answers, and of every wrong one.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isUp } from '../../edge/upstreams/oip/health.ts'
import { oipUpstream } from '../../edge/upstreams/oip/upstream.ts'
import { checkOutputs } from '../../edge/upstreams/outputs.ts'
import { type Call, spaceOf } from '../../runtime/core/call.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName, type InferRequest } from '../../runtime/remote/oip.ts'
import { packed, pixelDescription, textDescription, textTensors } from '../runtime/tiny.ts'
import { context } from './harness/minilm.ts'

type Handler = (response: ServerResponse, request: IncomingMessage, body: InferRequest) => void

/** A server of the protocol, whose answers the tests decide. */
let handle: Handler
let seen: { path: string; headers: IncomingMessage['headers']; body: InferRequest } | undefined
const server = createServer(async (request, response) => {
	const parts: Buffer[] = []
	for await (const part of request) parts.push(part as Buffer)
	if (request.method === 'GET') return response.writeHead(request.url === '/v2/health/ready' ? 200 : 404).end()
	const body = decodeRequest(Buffer.concat(parts), (request.headers[headerLengthName] as string | undefined) ?? null)
	seen = { path: request.url ?? '', headers: request.headers, body }
	handle(response, request, body)
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

import { upstreamModel } from './upstream-model.ts'

const { manifest, digest } = await packed(pixelDescription())
const pixels = tensor('FP32', [1, 2, 3], Float32Array.of(0, 1, 2, 3, 4, 5))
const brighter = tensor('FP32', [1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
const call: Call = { kind: 'tensors', model: { name: 'tiny-pixels' }, tensors: { pixels } }

interface Settings {
	address?: string
	key?: string
	binary?: boolean
	as?: { name?: string; version?: string; variant?: string }
}

const executor = ({ address = url, key, binary = true, as = {} }: Settings = {}) =>
	oipUpstream({ upstream: { name: 'gpu', url: address, binary }, key, model: upstreamModel({ manifest, digest }, as), environment: {} })

const answerWith =
	(outputs: Tensors): Handler =>
	(response, _, asked) => {
		const { body, headers } = encodeResponse({ model: 'there', version: '7', outputs }, asked)
		response.writeHead(200, { ...headers, 'content-length': body.byteLength }).end(body)
	}

describe('a call', () => {
	test('goes out under the name, version and key that the configuration gives', async () => {
		handle = answerWith({ brighter })
		const answer = await executor({ key: 'k', as: { name: 'pix', version: '2', variant: 'fp32' } }).infer(call, context())
		expect(answer.output).toEqual({ kind: 'tensors', tensors: { brighter } })
		expect(seen?.path).toBe('/v2/models/pix/versions/2/infer')
		expect(seen?.headers).toMatchObject({ authorization: 'Bearer k', 'spillway-hops': '1', 'spillway-retries': '0' })
		expect(Number(seen?.headers['spillway-time-left'])).toBeGreaterThan(0)
		expect(answer.ran).toMatchObject({
			executor: 'gpu',
			provider: null,
			model: 'tiny-pixels',
			version: '1.0.0',
			variant: 'fp32',
			space: spaceOf('tiny-pixels', digest, 'fp32'),
			hops: 1,
		})
	})

	test('takes JSON where the server has no binary tensors', async () => {
		handle = answerWith({ brighter })
		const answer = await executor({ binary: false }).infer(call, context())
		expect(seen?.headers['content-type']).toBe('application/json')
		expect(seen?.headers[headerLengthName]).toBeUndefined()
		expect(answer.output).toEqual({ kind: 'tensors', tensors: { brighter } })
	})

	test('is of no known space unless the configuration names the variant', async () => {
		handle = answerWith({ brighter })
		expect((await executor().infer(call, context())).ran.space).toBeNull()
		const space = spaceOf('tiny-pixels', digest, 'fp32')
		const asking = { ...call, model: { ...call.model, space } }
		await expect(executor().infer(asking, context())).rejects.toMatchObject({ code: 'unsupported' })
		expect((await executor({ as: { variant: 'fp32' } }).infer(asking, context())).ran.space).toBe(space)
	})

	test('with wrong inputs is refused here, before anything is sent', async () => {
		seen = undefined
		const wrong: Call = { ...call, tensors: { pixels: tensor('FP32', [1, 6], pixels.data) } }
		await expect(executor().infer(wrong, context())).rejects.toMatchObject({ code: 'invalid-input' })
		expect(seen).toBeUndefined()
	})
})

describe('a wrong answer is an error', () => {
	const text =
		(status: number, body: string, headers = {}): Handler =>
		(response) =>
			response.writeHead(status, headers).end(body)
	const nan = tensor('FP32', [1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, Number.NaN))

	test.each<[string, Handler, string]>([
		['500', text(500, 'boom'), 'upstream'],
		['500 with a problem of its own', text(500, '{"error":"CUDA out of memory"}'), 'upstream'],
		['an HTML page', text(200, '<html>hello</html>'), 'upstream'],
		['nothing', text(200, ''), 'upstream'],
		['JSON of another kind', text(200, '{"predictions":[1]}'), 'upstream'],
		['no outputs', text(200, '{"model_name":"m","outputs":[]}'), 'upstream'],
		['an output too few', answerWith({ other: brighter }), 'upstream'],
		['another shape', answerWith({ brighter: tensor('FP32', [1, 3, 2], brighter.data) }), 'upstream'],
		['too few elements', answerWith({ brighter: tensor('FP32', [1, 2, 2], Float32Array.of(1, 2, 3, 4)) }), 'upstream'],
		['another datatype', answerWith({ brighter: tensor('INT32', [1, 2, 3], Int32Array.of(1, 2, 3, 4, 5, 6)) }), 'upstream'],
		['NaN', answerWith({ brighter: nan }), 'upstream'],
		['a header length beyond the body', text(200, '{}', { [headerLengthName]: '4000' }), 'network'],
		['400: its words are not the caller’s', text(400, '{"error":"unexpected input"}'), 'upstream'],
		['401: the key is this edge’s', text(401, ''), 'upstream'],
		['403', text(403, ''), 'upstream'],
		['404: the name is this edge’s', text(404, '{"error":"unknown model"}'), 'upstream'],
		['503', text(503, ''), 'unavailable'],
		['a socket that closes', (response) => response.destroy(), 'network'],
		[
			'a body cut off',
			(response) => {
				response.writeHead(200, { 'content-length': 1000 }).write('{"outputs"')
				setTimeout(() => response.destroy(), 10)
			},
			'network',
		],
	])('%s', async (_, handler, code) => {
		handle = handler
		await expect(executor().infer(call, context())).rejects.toMatchObject({ code, message: expect.stringContaining('gpu') })
	})

	test('a code that this edge does not know is no status of its own', async () => {
		for (const code of ['of-a-later-edge', 'constructor']) {
			handle = text(503, JSON.stringify({ type: `urn:spillway:error:${code}`, detail: 'why' }))
			await expect(executor().infer(call, context())).rejects.toMatchObject({ code: 'upstream', message: 'gpu: why' })
		}
	})

	test('what is said of the key goes to the log, not to the caller', async () => {
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		handle = text(401, '{"error":"incorrect API key: sk-1234"}')
		const gpu = executor()
		for (let i = 0; i < 2; i++) {
			const error = await gpu.infer(call, context()).catch((error) => error)
			expect(error.message).toBe("gpu refuses this edge's key; the edge's log says why")
		}
		expect(log.mock.calls).toEqual([[expect.stringContaining('sk-1234')]])
		log.mockRestore()
	})

	test('of inputs that nobody knows here, 400 is the caller’s mistake, for which nobody else finds the upstream closed', async () => {
		handle = text(400, '{"error":"unexpected input"}')
		const model = { ...upstreamModel({ manifest, digest }), interface: { task: null, inputs: null, outputs: null, axes: {} } }
		const gpu = oipUpstream({ upstream: { name: 'gpu', url, binary: true }, key: undefined, model, environment: {} })
		for (let i = 0; i < 4; i++) await expect(gpu.infer(call, context())).rejects.toMatchObject({ code: 'invalid-input' })
		expect(gpu.estimate(call).can).toBe('now')
	})

	test.each([
		['FP16', 0x7e00],
		['FP16', 0xfc00],
		['BF16', 0x7fc0],
	] as const)('NaN and infinity in %s: %i', (datatype, word) => {
		const outputs = [{ name: 'y', datatype, shape: [2] }]
		const answered = (last: number) => () =>
			checkOutputs('gpu', { outputs }, new Map(), { y: tensor(datatype, [2], Uint16Array.of(0x3c00, last)) })
		expect(answered(0xfb80)).not.toThrow()
		expect(answered(word)).toThrow('NaN or infinity')
	})

	test('429 tells when to come back', async () => {
		handle = text(429, '', { 'retry-after': '7' })
		await expect(executor().infer(call, context())).rejects.toMatchObject({ code: 'rate-limited', retryAfter: 7000 })
	})

	test.each<[string, Handler]>([
		['never answers', () => {}],
		['stalls in its body', (response) => response.writeHead(200, { 'content-length': 1000 }).write('{')],
		[
			'drips',
			(response) => {
				response.writeHead(200)
				const timer = setInterval(() => response.write(' '), 10)
				response.on('close', () => clearInterval(timer))
			},
		],
	])('a server that %s is left at the deadline', async (_, handler) => {
		handle = handler
		await expect(executor().infer(call, { ...context(), remaining: 150 })).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})

	test('a caller that leaves is told so at once', async () => {
		let closed = false
		seen = undefined
		handle = (response) => {
			response.on('close', () => {
				closed = true
			})
		}
		const leaving = new AbortController()
		const answer = executor().infer(call, { ...context(), signal: leaving.signal })
		await expect.poll(() => seen).toBeDefined()
		leaving.abort()
		await expect(answer).rejects.toMatchObject({ code: 'aborted' })
		await expect.poll(() => closed).toBe(true)
	})

	test('nobody listens', async () => {
		await expect(executor({ address: 'http://127.0.0.1:9' }).infer(call, context())).rejects.toMatchObject({ code: 'network' })
	})
})

describe('health', () => {
	test('is what the server says', async () => {
		expect(await isUp({ upstream: { url }, key: undefined, hops: 0 })).toBe(true)
		expect(await isUp({ upstream: { url: `${url}/elsewhere` }, key: undefined, hops: 0 })).toBe(false)
		expect(await isUp({ upstream: { url: 'http://127.0.0.1:9' }, key: undefined, hops: 0 })).toBe(false)
	})

	test('one that fails is passed by for a while', async () => {
		handle = (response) => response.writeHead(500).end()
		const gpu = executor()
		expect(gpu.estimate(call).can).toBe('now')
		for (let i = 0; i < 3; i++) await expect(gpu.infer(call, context())).rejects.toThrow()
		expect(gpu.estimate(call)).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})
})

test('rows of a batch that does not come back whole are not taken', async () => {
	const text = await packed(textDescription())
	const upstream = { name: 'gpu', url, binary: true }
	const gpu = oipUpstream({ upstream, key: undefined, model: upstreamModel(text), environment: {} })
	handle = answerWith({ vector: tensor('FP32', [1, 4], new Float32Array(4)), count: tensor('FP32', [1, 1], new Float32Array(1)) })
	const two: Call = {
		kind: 'tensors',
		model: { name: 'tiny-text' },
		tensors: textTensors([
			[2, 3],
			[2, 3],
		]),
	}
	await expect(gpu.infer(two, context())).rejects.toMatchObject({ code: 'upstream', message: expect.stringContaining('[2,4]') })
})
