// What the edge makes of executors that generate: time, parts, clients that read slowly or leave, figures and spans.

import { afterEach, describe, expect, test } from 'vitest'
import type { ServedModel } from '../../edge/parts.ts'
import { type Answer, type Part, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import { startLocal } from './local.ts'
import { call, keys } from './suites/under-test.ts'

type Started = Awaited<ReturnType<typeof startLocal>>
let edge: Started | undefined
afterEach(() => edge?.close())

const ran = provenance('gpu', { name: 'chat', version: '1' })
const head = { id: 'c', created: 1, model: 'chat' }
const part = (content: string): Part => ({
	kind: 'generate',
	chunk: { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: null }] },
	ran,
})
const whole = (content: string): Answer => ({
	output: {
		kind: 'generate',
		completion: {
			...head,
			object: 'chat.completion',
			choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
			usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
		},
	},
	ran,
})

/** An edge with a model `chat` that answers by this function. */
async function edgeOver(infer: (context: Context) => Promise<Answer>): Promise<Started> {
	const model: ServedModel = {
		name: 'chat',
		version: '1',
		interface: { task: { kind: 'generate' }, inputs: null, outputs: null, axes: {} },
		digest: null,
		manifest: null,
		variant: null,
		spaces: [],
		executor: {
			name: 'edge',
			accepts: ['generate'],
			estimate: () => ({ can: 'now', queue: 0, run: 0 }),
			infer: (_, context) => infer(context),
			dispose: async () => {},
		},
		ready: async () => true,
	}
	const models = { names: ['m', 'chat'], get: async () => model, list: async () => [model] }
	edge = await startLocal({ parts: { models } })
	return edge
}

const asked = (more: object = {}) => ({ model: 'chat', messages: [{ role: 'user', content: 'hi' }], ...more })
const ask = (started: Started, more: object = {}, init: object = {}) =>
	call(started, '/openai/v1/chat/completions', { key: keys.secret, json: asked(more), ...init })

test('a call that does not say its time has all that there is; one that does has that', async () => {
	const times: number[] = []
	const started = await edgeOver(async ({ remaining }) => {
		times.push(remaining)
		return whole('hi')
	})
	await ask(started)
	await ask(started, {}, { headers: { 'spillway-time-left': '1500' } })
	expect(times[0]).toBeGreaterThan(250_000)
	expect(times[0]).toBeLessThanOrEqual(300_000)
	expect(times[1]).toBeLessThanOrEqual(1500)
})

test('an executor that answers whole is sent in parts all the same', async () => {
	const started = await edgeOver(async () => whole('hello'))
	const text = await (await ask(started, { stream: true, stream_options: { include_usage: true } })).text()
	const events = text.split('\n\n').map((event) => event.replace('data: ', ''))
	expect(events.slice(2)).toEqual(['[DONE]', ''])
	expect(JSON.parse(events[0] ?? '')).toMatchObject({
		choices: [{ delta: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
	})
	expect(JSON.parse(events[1] ?? '')).toMatchObject({ choices: [], usage: { total_tokens: 2 } })
})

test('one that answers something else is a fault of the edge, and nothing hangs', async () => {
	const started = await edgeOver(async () => ({ output: { kind: 'tensors', tensors: {} }, ran }))
	for (const stream of [false, true]) expect((await ask(started, { stream })).status).toBe(500)
})

describe('a client', () => {
	test('that reads slowly gets no more than it takes', async () => {
		let emitted = 0
		const started = await edgeOver(async ({ emit, signal }) => {
			// Far more than the buffers of two sockets.
			for (; emitted < 100_000 && !signal.aborted; emitted++) await emit?.(part('x'.repeat(1000)))
			return whole('')
		})
		const response = await ask(started, { stream: true })
		const reader = response.body?.getReader()
		await reader?.read()
		const settled = async () => {
			const before = emitted
			await new Promise((resolve) => setTimeout(resolve, 100))
			return emitted === before
		}
		await expect.poll(settled).toBe(true)
		expect(emitted).toBeLessThan(50_000)
		await reader?.cancel()
		await expect.poll(() => emitted).toBeLessThan(100_000)
	})

	test('that leaves in mid-stream aborts the call', async () => {
		const reasons: unknown[] = []
		const started = await edgeOver(async ({ emit, signal }) => {
			await emit?.(part('hello'))
			await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
			reasons.push(signal.reason)
			throw new SpillwayError('aborted', 'the client left')
		})
		const response = await ask(started, { stream: true })
		await response.body?.cancel()
		await expect.poll(() => reasons.length).toBe(1)
	})
})

describe('what is reported of an answer in parts', () => {
	const figures = async (started: Started) => (await call(started, '/metrics', { key: keys.metrics })).text()

	test('is reported at its end, with the error that it ended in', async () => {
		let fail = () => {}
		const started = await edgeOver(async ({ emit }) => {
			await emit?.(part('hello'))
			await new Promise<void>((resolve) => {
				fail = resolve
			})
			throw new SpillwayError('upstream', 'gpu broke off')
		})
		const response = await ask(started, { stream: true })
		expect(response.status).toBe(200)
		const requests = /^spillway_http_requests_total\{route="\/openai\/v1\/chat\/completions".* 1$/m
		expect(await figures(started)).not.toMatch(requests)
		expect(await figures(started)).toMatch(/^spillway_http_requests_in_flight 2$/m)
		fail()
		const text = await response.text()
		expect(text).toMatch(/event: error\ndata: \{"error":\{"message":"gpu broke off","type":"server_error".*\}\}\n\n$/)
		await expect.poll(() => figures(started)).toMatch(requests)
		expect(await figures(started)).toMatch(/^spillway_errors_total\{code="upstream",protocol="openai"\} 1$/m)
		expect(await figures(started)).toMatch(/^spillway_http_requests_in_flight 1$/m)
	})

	test("is a span in the caller's trace", async () => {
		const started = await edgeOver(async ({ emit }) => {
			await emit?.(part('hello'))
			await new Promise((resolve) => setTimeout(resolve, 100))
			return whole('hello')
		})
		const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
		await (await ask(started, { stream: true }, { headers: { traceparent: trace } })).text()
		const spans = async () => JSON.stringify(await (await call(started, '/v1/telemetry', { key: keys.metrics })).json())
		await expect.poll(spans).toContain('openai chat')
	})
})
