// Upstreams that fail, hang or lie: before the first part of an answer, after it, and when the whole is asked for.

import { describe, expect, test } from 'vitest'
import type { ChatServer } from '../harness/chat-server.ts'
import { contentOf, eventsOf, named, poster } from './chat-calls.ts'

export function chatFaultsSuite(edge: () => { readonly url: string }, server: () => ChatServer): void {
	const post = poster(edge)

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
}
