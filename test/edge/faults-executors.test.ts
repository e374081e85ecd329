// What the edge makes of its executors: errors, time, clients that leave, and provenance.

import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Answer, Call, Provenance } from '../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { type LocalOptions, startLocal } from './local.ts'
import { call, keys, problemOf } from './suites/under-test.ts'

type Started = Awaited<ReturnType<typeof startLocal>>
let edge: Started | undefined
afterEach(() => edge?.close())

/** An edge whose models answer by this function. */
async function edgeOver(infer: (call: Call, context: Context) => Promise<Answer>, options: LocalOptions = {}): Promise<Started> {
	const executor: Executor = {
		name: 'edge',
		accepts: ['tensors', 'embed'],
		estimate: () => ({ can: 'now', queue: 0, run: 0 }),
		infer,
		dispose: async () => {},
	}
	edge = await startLocal({ ...options, replace: () => executor })
	return edge
}

const embed = { key: keys.secret, json: { model: 'm', input: ['hello'] } }

const answer = (ran: Partial<Provenance> = {}): Answer => ({
	output: { kind: 'embed', vectors: [Float32Array.of(1, 2, 3, 4)], tokens: 3 },
	ran: {
		executor: 'edge',
		provider: 'cpu',
		model: 'm',
		version: '1.0.0',
		variant: 'fp32',
		space: null,
		queue: null,
		run: null,
		batch: null,
		hops: 0,
		overflow: [],
		...ran,
	},
})

describe('errors of executors', () => {
	const statuses: [ErrorCode, number][] = [
		['invalid-input', 400],
		['not-found', 404],
		['unsupported', 422],
		['upstream', 502],
		['network', 502],
		['unavailable', 503],
		['worker-lost', 503],
		['golden-mismatch', 503],
		['disposed', 503],
		['deadline-exceeded', 504],
		['internal', 500],
	]
	test.each(statuses)('%s is a %i', async (code, status) => {
		const edge = await edgeOver(() => Promise.reject(new SpillwayError(code, 'so it is', { retryAfter: 1500 })))
		const response = await call(edge, '/v1/tasks/embed', embed)
		expect(response.status).toBe(status)
		expect(response.headers.get('retry-after')).toBe('2')
		expect(await problemOf(response)).toMatchObject({ code, detail: 'so it is' })
		const openai = await call(edge, '/openai/v1/embeddings', { key: keys.secret, json: { model: 'm', input: 'hello' } })
		expect(openai.status).toBe(status)
		expect(await openai.json()).toMatchObject({ error: { message: 'so it is', code: code.replaceAll('-', '_') } })
	})

	test('what is no error of ours is a 500 that gives nothing away, and stands in the log', async () => {
		const log = vi.spyOn(console, 'error').mockImplementation(() => {})
		const edge = await edgeOver(() => Promise.reject(new TypeError('secret of the house')))
		const response = await call(edge, '/v1/tasks/embed', embed)
		expect(response.status).toBe(500)
		const problem = await problemOf(response)
		expect(problem.code).toBe('internal')
		expect(JSON.stringify(problem)).not.toContain('secret of the house')
		expect(String(log.mock.calls[0]?.[0])).toContain('secret of the house')
		log.mockRestore()
	})

	test('a space that the executor does not answer in is a 409', async () => {
		const edge = await edgeOver(() => Promise.reject(new SpillwayError('unsupported', 'another space')))
		const response = await call(edge, '/v1/tasks/embed', { ...embed, headers: { 'spillway-space': edge.space } })
		expect(response.status).toBe(409)
	})
})

describe('what is handed on to the executor', () => {
	/** The context of one call with these headers. */
	async function contextFor(headers: Record<string, string>, options: LocalOptions = {}): Promise<Context> {
		const seen: Context[] = []
		const edge = await edgeOver(async (_, context) => {
			seen.push(context)
			return answer()
		}, options)
		expect((await call(edge, '/v1/tasks/embed', { ...embed, headers })).status).toBe(200)
		return seen[0] as Context
	}

	test('time left, hops, retries and trace come from the request', async () => {
		const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
		const context = await contextFor({ 'spillway-time-left': '5000', 'spillway-hops': '2', 'spillway-retries': '1', traceparent: trace })
		expect(context.remaining).toBeGreaterThan(0)
		expect(context.remaining).toBeLessThanOrEqual(5000)
		expect(context).toMatchObject({ hops: 2, retries: { left: 1 } })
		expect(context.trace).toMatch(/^00-a{32}-(?!b{16})[0-9a-f]{16}-01$/)
	})

	test('and the priority', async () => {
		expect((await contextFor({})).priority).toBeUndefined()
		expect((await contextFor({ 'spillway-priority': 'low' })).priority).toBe('low')
	})

	test('or from the limits', async () => {
		const context = await contextFor({})
		expect(context.remaining).toBeLessThanOrEqual(30_000)
		expect(context.remaining).toBeGreaterThan(20_000)
		expect(context).toMatchObject({ hops: 1, retries: { left: 2 } })
	})

	test('which no request can loosen', async () => {
		const limits = { deadline: 1000, maxDeadline: 2000 }
		const context = await contextFor({ 'spillway-time-left': '9999999', 'spillway-retries': '99' }, { config: { limits } })
		expect(context.remaining).toBeLessThanOrEqual(2000)
		expect(context.retries.left).toBe(2)
	})

	test('what was spent of the retries is told, of those that the caller said it had, in answers and in errors', async () => {
		let fails = false
		const edge = await edgeOver(async (_, { retries }) => {
			retries.left--
			if (fails) throw new SpillwayError('upstream', 'no')
			return answer()
		})
		const left = async (headers: Record<string, string>) =>
			(await call(edge, '/v1/tasks/embed', { ...embed, headers })).headers.get('spillway-retries')
		expect(await left({ 'spillway-retries': '2' })).toBe('1')
		expect(await left({ 'spillway-retries': '5' })).toBe('4')
		expect(await left({})).toBe('1')
		fails = true
		expect(await left({ 'spillway-retries': '2' })).toBe('1')
	})

	test('a client that leaves aborts its call', async () => {
		const aborted = Promise.withResolvers<void>()
		const started = Promise.withResolvers<void>()
		const edge = await edgeOver((_, { signal }) => {
			started.resolve()
			return new Promise((_, reject) => {
				signal.addEventListener('abort', () => {
					aborted.resolve()
					reject(new SpillwayError('aborted', 'the client left'))
				})
			})
		})
		const { hostname, port } = new URL(edge.url)
		const body = JSON.stringify(embed.json)
		const client = connect(Number(port), hostname, () =>
			client.write(
				`POST /v1/tasks/embed HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.secret}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
			),
		)
		await started.promise
		client.destroy()
		await aborted.promise
	})
})

describe('provenance', () => {
	test('fits into headers whatever it says', async () => {
		const detail = `„Grüße“ 🙂\r\nSet-Cookie: a=b ${'x'.repeat(50_000)}`
		const edge = await edgeOver(async () =>
			answer({ queue: 1.23456, run: 20, overflow: [{ executor: 'gpu-a', reason: 'unhealthy', detail }] }),
		)
		const response = await call(edge, '/v1/tasks/embed', embed)
		expect(response.headers.get('set-cookie')).toBeNull()
		expect(response.headers.get('server-timing')).toBe('queue;dur=1.235, run;dur=20')
		const header = response.headers.get('spillway-ran') as string
		expect(header).toMatch(/^[\x20-\x7e]+$/)
		expect(header.length).toBeLessThan(4000)
		const [overflow] = JSON.parse(header).overflow
		expect(overflow).toMatchObject({ executor: 'gpu-a', reason: 'unhealthy' })
		expect(detail.startsWith(overflow.detail)).toBe(true)
	})

	test('overflow is counted by reason', async () => {
		const edge = await edgeOver(async () =>
			answer({
				executor: 'gpu-b',
				overflow: [
					{ executor: 'edge', reason: 'queue' },
					{ executor: 'gpu-a', reason: 'unhealthy' },
				],
			}),
		)
		await (await call(edge, '/v1/tasks/embed', embed)).arrayBuffer()
		const figures = await (await call(edge, '/metrics', { key: keys.metrics })).text()
		expect(figures).toContain('spillway_overflow_total{model="m",executor="edge",reason="queue"} 1')
		expect(figures).toContain('spillway_overflow_total{model="m",executor="gpu-a",reason="unhealthy"} 1')
		expect(figures).toContain('spillway_inferences_total{model="m",executor="gpu-b",provider="cpu"} 1')
	})
})

test('the server is not ready until every model is', async () => {
	const parts = (await import('./local.ts')).localParts
	const { models } = await parts()
	let tinyIsReady = false
	const list = async () =>
		(await models.list()).map((model) => (model.name === 'tiny' ? { ...model, ready: async () => tinyIsReady } : model))
	const get: typeof models.get = async (name) => (await list()).find((model) => model.name === name)
	edge = await startLocal({ parts: { models: { ...models, list, get } } })
	for (const path of ['/v2/health/ready', '/v2/models/tiny/ready']) {
		const response = await call(edge, path)
		expect(response.status).toBe(503)
		expect(await response.json()).toMatchObject({ ready: false })
	}
	expect((await call(edge, '/v2/models/m/ready')).status).toBe(200)
	expect((await call(edge, '/healthz')).status).toBe(200)
	tinyIsReady = true
	expect((await call(edge, '/v2/health/ready')).status).toBe(200)
})

test('a metrics store that fails costs figures, not answers', async () => {
	const log = vi.spyOn(console, 'error').mockImplementation(() => {})
	const metrics = { add: () => Promise.reject(new Error('gone')), render: () => ({ body: '', contentType: 'text/plain' }) }
	const edge = await edgeOver(async () => answer(), { parts: { metrics } })
	expect((await call(edge, '/v1/tasks/embed', embed)).status).toBe(200)
	expect(log).toHaveBeenCalled()
	log.mockRestore()
})
