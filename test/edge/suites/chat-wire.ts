// Chat completions on the wire: streams as they come, and clients that leave in the middle of one.

import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type ChatServer, text } from '../harness/chat-server.ts'
import { contentOf, eventsOf, messages, poster } from './chat-calls.ts'
import { keys } from './under-test.ts'

export function chatWireSuite(edge: () => { readonly url: string }, server: () => ChatServer): void {
	const post = poster(edge)

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
			await expect.poll(() => server().open.size).toBe(1)
			if (until !== null) await expect.poll(() => got).toContain(until)
			// workerd takes an orderly end for that of the request alone, until it has something to send.
			socket.resetAndDestroy()
			await expect.poll(() => server().open.size).toBe(0)
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
}
