// Spillway's own client of chat completions, as a page or an edge before the edge has it.

import { describe, expect, test } from 'vitest'
import type { Part } from '../../../runtime/core/call.ts'
import { text } from '../harness/chat-server.ts'
import { context, edgeAt } from '../harness/minilm.ts'
import { messages } from './chat-calls.ts'

export function ownClientSuite(edge: () => { readonly url: string }): void {
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
}
