// Executors across a network: what is said to a server, and what becomes of everything that it may answer.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Call, Provenance } from '../../runtime/core/call.ts'
import type { SpillwayError } from '../../runtime/core/error.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../runtime/remote/oip.ts'
import { edgeOfPage } from '../../runtime/remote/page.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { context } from './scripted.ts'

const closing: (() => void)[] = []
afterEach(() => {
	for (const close of closing.splice(0)) close()
})

interface Received {
	url: string
	headers: IncomingMessage['headers']
	body: Uint8Array
}

/** A server that answers as it is told, and keeps what it received. */
async function serve(answer: (response: ServerResponse, request: Received) => unknown) {
	const received: Received[] = []
	const listener: RequestListener = async (request, response) => {
		const parts: Uint8Array[] = []
		for await (const part of request) parts.push(part as Uint8Array)
		const one = { url: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(parts) }
		received.push(one)
		answer(response, one)
	}
	const server = createServer(listener)
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	closing.push(() => {
		server.close()
		server.closeAllConnections()
	})
	return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

const space = `minilm@${'a'.repeat(64)}/int8`
const ran: Provenance = {
	executor: 'edge',
	provider: 'cpu',
	model: 'minilm',
	version: '1.0.0',
	variant: 'int8',
	space,
	queue: 1,
	run: 2,
	batch: 1,
	hops: 0,
	overflow: [],
}

const embed: Call = { kind: 'task', model: { name: 'minilm' }, task: 'embed', input: ['hello', 'world'] }
const vectors = { embedding: tensor('FP32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)) }

/** Answers as an edge would, with something changed. */
const answerWith =
	({
		outputs = vectors as Tensors,
		parameters = { tokens: 6 } as object,
		told = ran as unknown,
		headers = {} as Record<string, string>,
	} = {}) =>
	(response: ServerResponse) => {
		const message = encodeResponse({ model: 'minilm', version: '1.0.0', outputs, parameters: { ...parameters } }, { binaryOutput: true })
		if (told !== null) response.setHeader('Spillway-Ran', typeof told === 'string' ? told : JSON.stringify(told))
		for (const [name, value] of Object.entries({ ...message.headers, ...headers })) response.setHeader(name, value)
		response.end(message.body)
	}

const errorOf = (promise: Promise<unknown>) =>
	promise.then(
		() => {
			throw new Error('answered, but should have refused')
		},
		(error: SpillwayError) => error,
	)

/** Calls an edge that answers like this. */
async function call(
	answer: Parameters<typeof serve>[0],
	{ asked = embed, more = {} }: { asked?: Call; more?: Parameters<typeof context>[0] } = {},
) {
	const { address, received } = await serve(answer)
	const edge = edgeExecutor({ name: 'edge', address })
	return { edge, received, answered: edge.infer(asked, context({ remaining: 5000, ...more })) }
}

describe('what is said to an edge', () => {
	test('a task: text as JSON, with time, hops, retries and trace', async () => {
		const { address, received } = await serve(answerWith())
		const edge = edgeExecutor({ name: 'edge', address: `${address}/base/`, key: 'pk_1' })
		await edge.infer(
			{ ...embed, model: { name: 'minilm', version: '1.0.0', space } },
			context({ remaining: 400, hops: 1, retries: { left: 2 }, priority: 'low' }),
		)
		const [{ url, headers, body }] = received as [Received]
		expect(url).toBe('POST /base/v1/tasks/embed')
		expect(JSON.parse(new TextDecoder().decode(body))).toEqual({ model: 'minilm', version: '1.0.0', input: ['hello', 'world'] })
		expect(headers).toMatchObject({
			'content-type': 'application/json',
			authorization: 'Bearer pk_1',
			'spillway-hops': '2',
			'spillway-retries': '2',
			'spillway-space': space,
			'spillway-priority': 'low',
			// The call's own span is the parent of what happens there.
			traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
		})
		expect(Number(headers['spillway-time-left'])).toBeGreaterThan(0)
		expect(Number(headers['spillway-time-left'])).toBeLessThanOrEqual(400)
	})

	test('tensors: the Open Inference Protocol with binary data', async () => {
		const tensors = { x: tensor('INT64', [2], BigInt64Array.of(1n, 2n ** 60n)) }
		const asked: Call = { kind: 'tensors', model: { name: 'my model', version: '2.0.0' }, tensors }
		const { received, answered } = await call(answerWith({ outputs: tensors }), { asked })
		const { output } = await answered
		expect(output).toEqual({ kind: 'tensors', tensors })
		const [{ url, headers, body }] = received as [Received]
		expect(url).toBe('POST /v2/models/my%20model/versions/2.0.0/infer')
		expect(headers).not.toHaveProperty('authorization')
		expect(decodeRequest(body, headers[headerLengthName] as string)).toMatchObject({ inputs: tensors, binaryOutput: true })
	})
})

describe('what an edge answers', () => {
	test('vectors, each of its own memory, and provenance with one hop more', async () => {
		const { answered } = await call(answerWith({ told: { ...ran, hops: 1, overflow: [{ executor: 'edge', reason: 'queue' }] } }))
		const { output, ran: told } = await answered
		expect(output).toEqual({ kind: 'embed', vectors: [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], tokens: 6 })
		if (output.kind === 'embed') expect(output.vectors[0]?.buffer.byteLength).toBe(12)
		expect(told).toEqual({ ...ran, hops: 2, overflow: [{ executor: 'edge', reason: 'queue' }] })
	})

	test('provenance that says nothing is completed', async () => {
		const { answered } = await call(answerWith({ told: null }))
		expect((await answered).ran).toEqual({
			executor: 'edge',
			model: 'minilm',
			provider: null,
			version: null,
			variant: null,
			space: null,
			queue: null,
			run: null,
			batch: null,
			hops: 1,
			overflow: [],
		})
	})

	test.each([
		['too few vectors', { outputs: { embedding: tensor('FP32', [1, 3], new Float32Array(3)) } }],
		['too many vectors', { outputs: { embedding: tensor('FP32', [3, 3], new Float32Array(9)) } }],
		['vectors without dimensions', { outputs: { embedding: tensor('FP32', [2, 0], new Float32Array(0)) } }],
		['a flat answer', { outputs: { embedding: tensor('FP32', [2], new Float32Array(2)) } }],
		['an answer with one axis more', { outputs: { embedding: tensor('FP32', [2, 1, 1], new Float32Array(2)) } }],
		['another datatype', { outputs: { embedding: tensor('FP64', [2, 3], new Float64Array(6)) } }],
		['another output', { outputs: { vectors: tensor('FP32', [2, 3], new Float32Array(6)) } }],
		['NaN', { outputs: { embedding: tensor('FP32', [2, 3], new Float32Array(6).fill(Number.NaN)) } }],
		['infinity', { outputs: { embedding: tensor('FP32', [2, 3], new Float32Array(6).fill(Number.POSITIVE_INFINITY)) } }],
		['no number of tokens', { parameters: {} }],
		['provenance that is no JSON', { told: '{' }],
		['a header length that is wrong', { headers: { [headerLengthName]: '7' } }],
		['a header length that is none', { headers: { [headerLengthName]: 'x' } }],
	])('upstream: %s', async (_, changed) => {
		const error = await errorOf((await call(answerWith(changed))).answered)
		expect(error.name).toBe('SpillwayError')
		expect(error.code).toBe('upstream')
	})

	test('upstream: vectors of another space than was asked for', async () => {
		const asked = { ...embed, model: { name: 'minilm', space: `minilm@${'b'.repeat(64)}/int8` } }
		expect((await errorOf((await call(answerWith(), { asked })).answered)).code).toBe('upstream')
		expect((await errorOf((await call(answerWith({ told: null }), { asked })).answered)).code).toBe('upstream')
	})
})

describe('retries', () => {
	/** What is left of three, after a call to such a server. */
	async function leftAfter(answer: Parameters<typeof serve>[0], more: Parameters<typeof context>[0] = {}): Promise<number> {
		const retries = { left: 3 }
		await (await call(answer, { more: { ...more, retries } })).answered.catch(() => {})
		return retries.left
	}

	test('what the edge has spent is spent, whether it answered or not', async () => {
		expect(await leftAfter(answerWith({ headers: { 'spillway-retries': '1' } }))).toBe(1)
		expect(await leftAfter((response) => response.writeHead(503, { 'spillway-retries': '2' }).end())).toBe(2)
	})

	test('a server that says nothing of them has spent none, and nobody can give more', async () => {
		expect(await leftAfter(answerWith())).toBe(3)
		expect(await leftAfter(answerWith({ headers: { 'spillway-retries': '99' } }))).toBe(3)
	})

	test('what was handed on and did not come back counts as spent', async () => {
		expect(await leftAfter((response) => response.destroy())).toBe(0)
		expect(await leftAfter(() => {}, { remaining: 50 })).toBe(0)
	})

	test('nothing was handed on with a call that was not sent', async () => {
		const retries = { left: 3 }
		const edge = edgeExecutor({ name: 'edge', address: 'http://127.0.0.1:9' })
		await errorOf(edge.infer({ ...embed, input: [1n] as unknown as string[] }, context({ retries })))
		expect(retries.left).toBe(3)
	})
})

describe('errors', () => {
	const problem =
		(status: number, body: unknown, headers: Record<string, string> = {}) =>
		(response: ServerResponse) =>
			response
				.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
				.end(typeof body === 'string' ? body : JSON.stringify(body))

	test("an edge's problem keeps its code, words and time", async () => {
		const body = {
			type: 'urn:spillway:error:rate-limited',
			title: 'Too Many Requests',
			status: 429,
			detail: 'over the quota',
			code: 'rate-limited',
		}
		const { answered, edge } = await call(problem(429, body, { 'retry-after': '3' }))
		expect(await errorOf(answered)).toMatchObject({ code: 'rate-limited', message: 'edge: over the quota', retryAfter: 3000 })
		const { can, queue } = edge.estimate(embed)
		expect(can).toBe('no')
		expect(queue).toBeGreaterThan(2000)
	})

	test('the time may be a date, by the clock of the server', async () => {
		const headers = { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:50:07 GMT' }
		const { answered, edge } = await call(problem(503, { type: 'urn:spillway:error:unavailable', detail: 'soon' }, headers))
		expect(await errorOf(answered)).toMatchObject({ code: 'unavailable', retryAfter: 30_000 })
		// One answer with a time is enough, and the time is kept to.
		expect(edge.estimate(embed)).toMatchObject({ can: 'no', reason: 'unhealthy' })
		const refusal = await errorOf(edge.infer(embed, context()))
		expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringContaining('is not asked') })
		expect(refusal.retryAfter).toBeGreaterThan(25_000)
	})

	test.each(['', 'soon', '0', '-1', '1.5e400', '9'.repeat(400), 'Sun, 06 Nov 1994 08:49:37 GMT'])(
		'"%s" is no time to come back after',
		async (value) => {
			const { answered } = await call(problem(503, {}, { 'retry-after': value }))
			expect((await errorOf(answered)).retryAfter).toBeUndefined()
		},
	)

	test.each([
		['invalid-input', 400, 'invalid-input'],
		['unsupported', 409, 'unsupported'],
		['deadline-exceeded', 504, 'deadline-exceeded'],
		// Of itself: here nobody aborted and nothing was disposed.
		['aborted', 499, 'upstream'],
		['disposed', 503, 'upstream'],
	])('%s (%d) becomes %s', async (code, status, expected) => {
		const { answered } = await call(problem(status, { type: `urn:spillway:error:${code}`, detail: 'why' }))
		expect((await errorOf(answered)).code).toBe(expected)
	})

	test.each([
		['a page of some proxy', 502, '<html>Bad Gateway</html>'],
		['nothing', 500, ''],
		['null', 500, 'null'],
		["another server's problem", 400, { type: 'about:blank', title: 'Bad Request' }],
	])('upstream: %s', async (_, status, body) => {
		expect(await errorOf((await call(problem(status, body))).answered)).toMatchObject({
			code: 'upstream',
			message: `edge: HTTP status ${status}`,
		})
	})

	test('upstream: a redirect, which may be to anybody: neither the input nor a key goes there', async () => {
		const elsewhere = await serve((response) => response.end())
		const { answered } = await call((response) => response.writeHead(307, { location: elsewhere.address }).end())
		expect(await errorOf(answered)).toMatchObject({
			code: 'upstream',
			message: expect.stringContaining('it redirects, which is not followed'),
		})
		expect(elsewhere.received).toEqual([])
	})

	test('network: nobody listens', async () => {
		const { address } = await serve(() => {})
		for (const close of closing.splice(0)) close()
		const edge = edgeExecutor({ name: 'edge', address })
		expect((await errorOf(edge.infer(embed, context()))).code).toBe('network')
	})

	test('network: the answer stops in the middle', async () => {
		const { answered } = await call((response) => {
			response.writeHead(200, { 'content-length': '1000' })
			response.write('{"outputs"')
			setTimeout(() => response.destroy(), 10)
		})
		expect((await errorOf(answered)).code).toBe('network')
	})

	test('network: the connection is cut before the answer', async () => {
		const { answered } = await call((response) => response.destroy())
		expect((await errorOf(answered)).code).toBe('network')
	})

	test('upstream: an answer that does not end, or says that it will be too long, and is let go of', async () => {
		const piece = new Uint8Array(32 * 1024 * 1024)
		for (const headers of [{}, { 'content-length': String(2 ** 40) }] as Record<string, string>[]) {
			let given = 0
			let cancelled = false
			const body = new ReadableStream(
				{
					pull: (to) => {
						given++
						to.enqueue(piece)
					},
					cancel: () => {
						cancelled = true
					},
				},
				{ highWaterMark: 0 },
			)
			const edge = edgeExecutor({ name: 'edge', address: 'http://edge.invalid', fetch: async () => new Response(body, { headers }) })
			expect((await errorOf(edge.infer(embed, context()))).code).toBe('upstream')
			expect({ few: given <= 9, cancelled }).toEqual({ few: true, cancelled: true })
		}
	})

	test('deadline-exceeded: no answer in time, and the request is over', async () => {
		const closed = Promise.withResolvers<void>()
		const { answered } = await call((response) => response.on('close', closed.resolve), { more: { remaining: 80 } })
		expect((await errorOf(answered)).code).toBe('deadline-exceeded')
		await closed.promise
	})

	test('deadline-exceeded: an answer that trickles', async () => {
		const { answered } = await call(
			(response) => {
				response.writeHead(200, { 'content-length': '100000' })
				const timer = setInterval(() => response.write('.'), 5)
				response.on('close', () => clearInterval(timer))
			},
			{ more: { remaining: 80 } },
		)
		expect((await errorOf(answered)).code).toBe('deadline-exceeded')
	})

	test('aborted: the request is over', async () => {
		const closed = Promise.withResolvers<void>()
		const controller = new AbortController()
		const { answered } = await call(
			(response) => {
				response.on('close', closed.resolve)
				controller.abort('no more')
			},
			{ more: { signal: controller.signal } },
		)
		expect(await errorOf(answered)).toMatchObject({ code: 'aborted', cause: 'no more' })
		await closed.promise
	})

	test('unserialisable input is the answer of a broken page, not a hanging one', async () => {
		const { answered, received } = await call(answerWith(), { asked: { ...embed, input: [1n] as unknown as string[] } })
		expect((await errorOf(answered)).name).toBe('SpillwayError')
		expect(received).toHaveLength(0)
	})
})

describe('what is expected of an edge', () => {
	test('some guess at first, then what was measured', async () => {
		const { edge, answered } = await call((response) => setTimeout(() => answerWith()(response), 20))
		expect(edge.estimate(embed)).toEqual({ can: 'now', queue: 0, run: 500 })
		await answered
		expect(edge.estimate(embed).run).toBeLessThan(500)
		const larger = { ...embed, input: Array(100).fill('hello') }
		expect(edge.estimate(larger).run).toBeGreaterThan(edge.estimate(embed).run + 50)
	})

	test('the way there is not counted with the size of the call, what the edge tells of queue and run is', async () => {
		const slow = { ...ran, queue: 40, run: 20 }
		const { edge, answered } = await call((response) => setTimeout(() => answerWith({ told: slow })(response), 200))
		await answered
		const { queue, run } = edge.estimate(embed)
		expect(queue).toBeGreaterThan(20)
		expect(queue).toBeLessThanOrEqual(40)
		expect(run).toBeGreaterThan(120)
		// Ten times the texts: ten times the run, but one way there.
		expect(edge.estimate({ ...embed, input: Array(20).fill('hello') }).run - run).toBeCloseTo(9 * 20, -2)
	})

	test('calls that are under way wait before the next one', async () => {
		const waiting: (() => void)[] = []
		let held = false
		const { edge, answered } = await call((response) => {
			if (held) waiting.push(() => answerWith()(response))
			else answerWith({ told: { ...ran, queue: 0, run: 100 } })(response)
		})
		await answered
		expect(edge.estimate(embed).queue).toBe(0)
		held = true
		const calls = Array.from({ length: 10 }, () => edge.infer(embed, context({ remaining: 5000 })))
		const { queue } = edge.estimate(embed)
		await expect.poll(() => waiting.length).toBe(10)
		for (const answer of waiting) answer()
		await Promise.all(calls)
		expect(queue).toBeGreaterThan(0)
		expect(edge.estimate(embed).queue).toBeLessThanOrEqual(1)
	})

	test('whatever is asked, it is a number', async () => {
		const { edge, answered } = await call(answerWith())
		await answered
		for (const input of [[1], [null], 'hello', []] as unknown as string[][]) {
			await errorOf(edge.infer({ ...embed, input }, context()))
			for (const asked of [embed, { ...embed, input }]) {
				const { queue, run } = edge.estimate(asked)
				expect(queue + run).toBeGreaterThanOrEqual(0)
			}
		}
	})

	test('of each model apart', async () => {
		const { edge, answered } = await call(answerWith())
		await answered
		expect(edge.estimate({ ...embed, model: { name: 'another' } }).run).toBe(500)
	})

	test('nothing while there is no network', async () => {
		let online = false
		const edge = edgeExecutor({ name: 'edge', address: 'http://127.0.0.1:9', online: () => online })
		expect(edge.estimate(embed)).toMatchObject({ can: 'no', reason: 'unhealthy', detail: 'offline' })
		online = true
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('nothing for a while after failures; everything again after an answer', async () => {
		let broken = true
		const { edge, answered } = await call((response) => (broken ? response.writeHead(503).end() : answerWith()(response)))
		await errorOf(answered)
		expect(edge.estimate(embed).can).toBe('now')
		for (let i = 0; i < 2; i++) await errorOf(edge.infer(embed, context()))
		expect(edge.estimate(embed)).toMatchObject({ can: 'no', reason: 'unhealthy', detail: 'failed just now: upstream' })
		broken = false
		// Asked all the same when nobody else is left.
		await edge.infer(embed, context({ remaining: 5000 }))
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('everything at once when the network has come back', async () => {
		const page = new EventTarget()
		const listening = new Set<unknown>()
		vi.stubGlobal('addEventListener', (type: string, listener: EventListener) => {
			listening.add(listener)
			page.addEventListener(type, listener)
		})
		vi.stubGlobal('removeEventListener', (_: string, listener: EventListener) => listening.delete(listener))
		const { address } = await serve((response) => response.destroy())
		const edge = edgeOfPage(address, undefined)
		for (let i = 0; i < 3; i++) await errorOf(edge.infer(embed, context()))
		expect(edge.estimate(embed).can).toBe('no')
		page.dispatchEvent(new Event('online'))
		expect(edge.estimate(embed).can).toBe('now')
		await edge.dispose()
		vi.unstubAllGlobals()
		expect(listening.size).toBe(0)
	})

	test("a caller's fault says nothing about the edge", async () => {
		const { edge, answered } = await call((response) =>
			response.writeHead(400).end(JSON.stringify({ type: 'urn:spillway:error:invalid-input', detail: 'no' })),
		)
		await errorOf(answered)
		expect(edge.estimate(embed).can).toBe('now')
	})

	test('an edge that was too slow is expected to be slow', async () => {
		const { edge, answered } = await call(() => {}, { more: { remaining: 700 } })
		await errorOf(answered)
		expect(edge.estimate(embed).run).toBeGreaterThan(600)
	})
})

describe('other servers', () => {
	const x = { x: tensor('FP32', [1], Float32Array.of(1)) }
	const asked: Call = { kind: 'tensors', model: { name: 'minilm' }, tensors: x }
	const answer = (response: ServerResponse) => {
		const { body, headers } = encodeResponse({ model: 'm', version: '7', outputs: x }, { binaryOutput: true })
		response.writeHead(200, headers).end(body)
	}

	test('are called by the names they know, and answers tell what is known of them', async () => {
		const { address, received } = await serve(answer)
		const gpu = serverExecutor({
			name: 'gpu-a',
			address,
			serves: ({ name }) => (name === 'minilm' ? { name: 'minilm_onnx', version: '7', space, variant: 'int8' } : undefined),
		})
		const { ran: told, output } = await gpu.infer({ ...asked, model: { name: 'minilm', space } }, context())
		expect(received[0]?.url).toBe('POST /v2/models/minilm_onnx/versions/7/infer')
		expect(told).toMatchObject({ executor: 'gpu-a', model: 'minilm', version: '7', variant: 'int8', space, hops: 1, overflow: [] })
		expect(output).toEqual({ kind: 'tensors', tensors: x })
	})

	test('are not asked for what they do not have', async () => {
		const { address, received } = await serve(answer)
		const gpu = serverExecutor({ name: 'gpu-a', address, serves: ({ name }) => (name === 'minilm' ? { name } : undefined) })
		for (const one of [embed, { ...asked, model: { name: 'other' } }, { ...asked, model: { name: 'minilm', space } }]) {
			expect(gpu.estimate(one)).toMatchObject({ can: 'no', reason: 'unsupported' })
			expect((await errorOf(gpu.infer(one, context()))).code).toBe('unsupported')
		}
		expect(received).toHaveLength(0)
	})

	test.each([
		[401, 'unauthenticated'],
		[403, 'forbidden'],
		[404, 'not-found'],
		[413, 'too-large'],
		[429, 'rate-limited'],
		[500, 'upstream'],
		[400, 'upstream'],
		[503, 'unavailable'],
		[504, 'deadline-exceeded'],
	])('status %d is %s', async (status, code) => {
		const { address } = await serve((response) => response.writeHead(status).end('{"error":"because"}'))
		const error = await errorOf(serverExecutor({ name: 'gpu-a', address }).infer(asked, context()))
		expect(error).toMatchObject({ code, message: 'gpu-a: because' })
	})

	test('are sent JSON where they know no binary data', async () => {
		const { address, received } = await serve((response) => {
			const { body, headers } = encodeResponse({ model: 'm', version: null, outputs: x }, { binaryOutput: false })
			response.writeHead(200, headers).end(body)
		})
		const { output } = await serverExecutor({ name: 'mlserver', address, binary: false }).infer(asked, context())
		expect(output).toEqual({ kind: 'tensors', tensors: x })
		expect(JSON.parse(new TextDecoder().decode(received[0]?.body))).toEqual({
			inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }],
		})
	})

	test('an answer without outputs is none', async () => {
		const { address } = await serve((response) => response.end('{"model_name":"m","outputs":[]}'))
		expect((await errorOf(serverExecutor({ name: 'gpu-a', address }).infer(asked, context()))).code).toBe('upstream')
	})
})
