// Errors across a network: those of an edge and of what stands before it, and answers that do not come, do not end, or are given up.

import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { answerWith, call, closeAll, embed, errorOf, serve } from './remote-edge.ts'
import { context } from './scripted.ts'

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
		closeAll()
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
