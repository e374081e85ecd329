// Chat completions of an edge whose upstream is a real server of OpenAI's interface, in good days and in bad ones.

import { connect } from 'node:net'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { EdgeConfigInput } from '../../../edge/config/schema.ts'
import type { Part } from '../../../runtime/core/call.ts'
import { type ChatServer, type Fault, faults, text, vectorOf } from '../harness/chat-server.ts'
import { context, edgeAt } from '../harness/minilm.ts'
import { call, keys } from './under-test.ts'

/** The name under which the edge has a model that its upstream answers so. */
const named = (fault: Fault): string => fault.replaceAll(' ', '-')

const generate = { inProcess: false, declared: { task: { kind: 'generate' as const } } }

/** What an edge needs so that {@link chatSuite} can run against it: its models, and its upstreams at `url`. */
export const chatConfig = (url: string) =>
	({
		models: {
			chat: generate,
			waiting: generate,
			waits: generate,
			nobody: generate,
			either: generate,
			texts: { inProcess: false, declared: { task: { kind: 'embed', dimensions: 4 } } },
			...Object.fromEntries(faults.map((fault) => [named(fault), generate])),
		},
		upstreams: [
			{
				name: 'vllm',
				kind: 'openai',
				url,
				key: { env: 'VLLM_KEY' },
				stall: 400,
				models: {
					chat: { name: 'big' },
					texts: { name: 'small' },
					either: { name: 'fails' },
					...Object.fromEntries(faults.map((fault) => [named(fault), { name: fault }])),
				},
			},
			{ name: 'down', kind: 'openai', url: 'http://127.0.0.1:9/v1', models: { nobody: {} } },
			{ name: 'down-too', kind: 'openai', url: 'http://127.0.0.1:9/v1', models: { nobody: {} } },
			{
				name: 'other',
				kind: 'openai',
				url,
				models: { either: { name: 'big' }, waiting: { name: 'hangs in mid-stream' }, waits: { name: 'hangs before headers' } },
			},
		],
	}) satisfies EdgeConfigInput

export const chatSecrets = { VLLM_KEY: 'sk-of-the-edge' }

export function chatSuite(edge: () => { readonly url: string }, server: () => ChatServer): void {
	const client = () => new OpenAI({ apiKey: keys.secret, baseURL: `${edge().url}/openai/v1`, maxRetries: 0, timeout: 20_000 })
	const messages = [{ role: 'user' as const, content: 'how do I true a wheel?' }]
	const post = (json: object, more: object = {}) =>
		call({ ...edge(), space: '' }, '/openai/v1/chat/completions', { key: keys.secret, json: { messages, ...json }, ...more })

	/** The data of a stream's events, as they came. */
	const eventsOf = async (response: Response) => {
		const events = (await response.text()).split('\n\n')
		expect(events.pop()).toBe('')
		return events.map((event) => {
			expect(event).toMatch(/^(event: error\n)?data: [^\n]+$/)
			return event.replace(/^(event: error\n)?data: /, '')
		})
	}
	const contentOf = (events: readonly string[]) =>
		events
			.filter((data) => data !== '[DONE]')
			.map((data) => JSON.parse(data).choices?.[0]?.delta.content ?? '')
			.join('')

	describe("OpenAI's client, unmodified", () => {
		test('gets the whole answer', async () => {
			const { data, response } = await client().chat.completions.create({ model: 'chat', messages, temperature: 0.5 }).withResponse()
			expect(data).toMatchObject({ object: 'chat.completion', model: 'chat', usage: { total_tokens: 12 } })
			expect(data.choices).toEqual([expect.objectContaining({ index: 0, finish_reason: 'stop' })])
			expect(data.choices[0]?.message).toMatchObject({ role: 'assistant', content: text })
			expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({
				executor: 'vllm',
				model: 'chat',
				hops: 1,
				overflow: [],
			})
			expect(server().asked.at(-1)).toMatchObject({
				model: 'big',
				messages,
				temperature: 0.5,
				headers: { authorization: 'Bearer sk-of-the-edge', traceparent: expect.any(String) },
			})
		})

		test('gets it part by part, and the usage when it asks for it', async () => {
			for (const include_usage of [false, true]) {
				const stream = await client().chat.completions.create({
					model: 'chat',
					messages,
					stream: true,
					...(include_usage && { stream_options: { include_usage } }),
				})
				const chunks: OpenAI.ChatCompletionChunk[] = []
				for await (const chunk of stream) chunks.push(chunk)
				expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(text)
				expect(new Set(chunks.map(({ model, object }) => `${model} ${object}`))).toEqual(new Set(['chat chat.completion.chunk']))
				expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['stop'])
				expect(chunks.at(-1)?.usage?.total_tokens).toBe(include_usage ? 12 : undefined)
			}
		})

		test('gets several answers at once', async () => {
			const stream = client().chat.completions.stream({ model: 'chat', messages, n: 2 })
			const { choices } = await stream.finalChatCompletion()
			expect(choices.map(({ message }) => message.content)).toEqual([text, text])
		})

		test('gets embeddings of an upstream', async () => {
			const { data, usage } = await client().embeddings.create({ model: 'texts', input: ['one', 'three'] })
			expect(data.map(({ embedding }) => [...embedding])).toEqual([vectorOf('one'), vectorOf('three')])
			expect(usage.prompt_tokens).toBe(4)
		})

		test('lists what there is', async () => {
			const list = await client().models.list()
			expect(list.data.map(({ id }) => id)).toEqual(expect.arrayContaining(['chat', 'texts']))
			expect(await client().models.retrieve('chat')).toMatchObject({ id: 'chat', owned_by: 'spillway' })
		})

		test('throws its own errors', async () => {
			const ask = (json: object) => client().chat.completions.create({ model: 'chat', messages, ...json } as never)
			await expect(ask({ model: 'nope' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
			await expect(ask({ model: 'texts' })).rejects.toThrow(OpenAI.NotFoundError)
			await expect(ask({ messages: [] })).rejects.toMatchObject({ status: 400, param: 'messages' })
			await expect(ask({ messages: [{}] })).rejects.toMatchObject({ status: 400, param: 'messages[0].role' })
			await expect(ask({ n: 0 })).rejects.toMatchObject({ status: 400, param: 'n' })
			await expect(ask({ stream_options: {} })).rejects.toMatchObject({ status: 400, param: 'stream_options' })
			await expect(ask({ model: 'does-not-like-the-request' })).rejects.toMatchObject({
				status: 400,
				message: expect.stringContaining('temperature must be at most 2'),
			})
		})

		test('is told when an answer breaks off', async () => {
			const stream = await client().chat.completions.create({ model: 'is-cut-in-mid-stream', messages, stream: true })
			let got = ''
			const reading = (async () => {
				for await (const chunk of stream) got += chunk.choices[0]?.delta.content ?? ''
			})()
			await expect(reading).rejects.toThrow(OpenAI.APIError)
			expect(got).toBe('Turn the')
		})
	})

	describe('on the wire', () => {
		test.each([
			['before the whole answer', { model: 'waits' }, null],
			['before the first part', { model: 'waits', stream: true }, null],
			['in mid-stream', { model: 'waiting', stream: true }, ' the'],
		])('a client that leaves %s takes the request at the upstream with it', async (_, json, until) => {
			const { hostname, port } = new URL(edge().url)
			const body = JSON.stringify({ messages, ...json })
			const head = `POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${keys.secret}\r\nContent-Length: ${body.length}`
			let got = ''
			const socket = connect(Number(port), hostname, () => socket.write(`${head}\r\n\r\n${body}`))
			socket
				.on('error', () => {})
				.on('data', (data) => {
					got += data
				})
			await expect.poll(() => server().open.size, { timeout: 10_000 }).toBe(1)
			if (until !== null) await expect.poll(() => got, { timeout: 10_000 }).toContain(until)
			// workerd takes an orderly end for that of the request alone, until it has something to send.
			socket.resetAndDestroy()
			await expect.poll(() => server().open.size, { timeout: 10_000 }).toBe(0)
		})

		test('a stream says where it is made before it begins, and ends by [DONE]', async () => {
			const response = await post({ model: 'chat', stream: true })
			expect(response.status).toBe(200)
			expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
			expect(response.headers.get('cache-control')).toBe('no-store')
			expect(JSON.parse(response.headers.get('spillway-ran') ?? '')).toMatchObject({ executor: 'vllm', version: '1' })
			const events = await eventsOf(response)
			expect(events.at(-1)).toBe('[DONE]')
			expect(contentOf(events)).toBe(text)
			expect(events.join()).not.toContain('usage')
		})

		test('the first part may come from another upstream than the first', async () => {
			for (let i = 0; i < 4; i++) {
				const response = await post({ model: 'either', stream: true })
				expect(response.status).toBe(200)
				expect(JSON.parse(response.headers.get('spillway-ran') ?? '').executor).toBe('other')
				expect(contentOf(await eventsOf(response))).toBe(text)
			}
		})
	})

	describe('an upstream that', () => {
		const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code

		test.each([
			['hangs before headers', 504, 'deadline_exceeded'],
			['hangs before the first chunk', 504, 'deadline_exceeded'],
			['drips', 504, 'deadline_exceeded'],
			['answers garbage', 502, 'upstream'],
			['answers a page', 502, 'upstream'],
			['answers another form', 502, 'upstream'],
			['sends huge headers', 502, /upstream|network/],
			['fails', 502, 'upstream'],
			['is busy', 429, 'rate_limit_exceeded'],
		] as const)('%s, before the first part: an error with a status', async (fault, status, code) => {
			const response = await post({ model: named(fault), stream: true })
			expect(response.status).toBe(status)
			expect(await codeOf(response)).toMatch(code)
			if (fault === 'is busy') expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(6)
			await expect.poll(() => server().open.size).toBe(0)
		})

		test.each([
			['hangs in mid-stream', 'Turn the'],
			['is cut in mid-stream', 'Turn the'],
			['ends in mid-stream', 'Turn the'],
			['fails in mid-stream', 'Turn the'],
			['changes the id', 'Turn the'],
			['answers another choice', ''],
		] as const)('%s, after the first part: an error event, and no end like that of a whole answer', async (fault, content) => {
			const response = await post({ model: named(fault), stream: true })
			expect(response.status).toBe(200)
			const events = await eventsOf(response)
			const last = JSON.parse(events.pop() ?? '')
			expect(last.error).toMatchObject({ message: expect.stringContaining('vllm'), type: 'server_error' })
			expect(events).not.toContain('[DONE]')
			expect(contentOf(events)).toBe(content)
			await expect.poll(() => server().open.size).toBe(0)
		})

		test.each([
			['hangs before headers', 504],
			['answers garbage', 502],
			['answers another form', 502],
			['answers another choice', 502],
			['sends huge headers', 502],
			['fails', 502],
		] as const)('%s, when the whole is asked for', async (fault, status) => {
			const statuses: number[] = []
			// What it was asked before may have opened its circuit, for a second or two.
			await expect
				.poll(
					async () => {
						const response = await post({ model: named(fault) }, { headers: { 'spillway-time-left': '400' } })
						await response.arrayBuffer()
						statuses.push(response.status)
						return response.status
					},
					{ timeout: 10_000 },
				)
				.toBe(status)
			expect(statuses.every((one) => one >= 400)).toBe(true)
		})
	})

	test('all upstreams down: an error that names them, whole or in parts', async () => {
		for (const stream of [false, true]) {
			const response = await post({ model: 'nobody', stream })
			expect([502, 503]).toContain(response.status)
			const { error } = (await response.json()) as { error: { message: string; type: string } }
			expect(error.type).toBe('server_error')
			expect(error.message).toMatch(/down.*down-too|down-too.*down/)
		}
	})

	describe("Spillway's own client", () => {
		const own = (model: string) => ({ kind: 'task', task: 'generate', model: { name: model }, input: { messages } }) as const

		test('gets the whole', async () => {
			const { output, ran } = await edgeAt(edge().url).infer(own('chat'), context())
			expect(output).toMatchObject({ kind: 'generate', completion: { choices: [{ message: { content: text } }] } })
			expect(ran).toMatchObject({ executor: 'vllm', hops: 2 })
		})

		test('gets the parts, the first with where it is made, and then the whole', async () => {
			const parts: Part[] = []
			const emit = async (part: Part) => void parts.push(part)
			const { output } = await edgeAt(edge().url).infer(own('chat'), { ...context(), emit })
			expect(parts.map(({ chunk }) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(text)
			expect(parts.map(({ ran }) => ran?.executor)).toEqual(['vllm', ...Array(parts.length - 1).fill(undefined)])
			expect(output).toMatchObject({
				kind: 'generate',
				completion: { choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }], usage: { total_tokens: 12 } },
			})
		})

		test('is told that it broke off, by the same code', async () => {
			const emit = async () => {}
			await expect(edgeAt(edge().url).infer(own('hangs-in-mid-stream'), { ...context(), emit })).rejects.toMatchObject({
				code: 'deadline-exceeded',
			})
		})
	})

	test('in the end nothing is left open', async () => {
		await expect.poll(() => server().open.size, { timeout: 10_000 }).toBe(0)
	})
}
