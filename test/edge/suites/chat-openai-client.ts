// OpenAI's own client, unmodified, with an edge.

import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { type ChatServer, text, vectorOf } from '../harness/chat-server.ts'
import { messages } from './chat-calls.ts'
import { keys } from './under-test.ts'

export function openaiClientSuite(edge: () => { readonly url: string }, server: () => ChatServer): void {
	const client = () => new OpenAI({ apiKey: keys.secret, baseURL: `${edge().url}/openai/v1`, maxRetries: 0, timeout: 20_000 })

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
}
