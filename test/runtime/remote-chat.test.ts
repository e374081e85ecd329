// Chunks of a chat completion put together, and what is no chunk.

import { describe, expect, test } from 'vitest'
import type { ChatChunk } from '../../runtime/core/chat.ts'
import { readChunks, readCompletion } from '../../runtime/remote/chat.ts'
import { chunksOf } from '../../runtime/remote/chat-join.ts'

const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
const delta = (delta: object, more: object = {}) => ({ ...head, choices: [{ index: 0, delta, finish_reason: null, ...more }] })
const done = (reason = 'stop') => ({ ...head, choices: [{ index: 0, delta: {}, finish_reason: reason }] })

async function* events(values: readonly unknown[]): AsyncGenerator<string> {
	for (const value of values) yield typeof value === 'string' ? value : JSON.stringify(value)
}

const join = async (values: readonly unknown[], asked = 1) => {
	const emitted: ChatChunk[] = []
	const completion = await readChunks('vllm', events(values), asked, async (chunk) => void emitted.push(chunk))
	return { completion, emitted }
}

describe('put together', () => {
	test('texts in pieces, the role once however often it is said', async () => {
		const { completion } = await join([
			delta({ role: 'assistant', content: '' }),
			delta({ role: 'assistant', content: 'Turn', reasoning_content: 'hm' }),
			delta({ role: 'assistant', content: ' it', reasoning_content: 'm' }),
			done(),
			{ ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } },
			'[DONE]',
		])
		expect(completion).toEqual({
			id: 'c',
			object: 'chat.completion',
			created: 1,
			model: 'm',
			choices: [{ index: 0, message: { role: 'assistant', content: 'Turn it', reasoning_content: 'hmm' }, finish_reason: 'stop' }],
			usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
		})
	})

	test('calls of tools, by their numbers', async () => {
		const { completion } = await join([
			delta({
				role: 'assistant',
				content: null,
				tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
			}),
			delta({ tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] }),
			delta({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }] }),
			delta({ tool_calls: [{ index: 0, id: '', function: { arguments: ':1}' } }] }),
			done('tool_calls'),
			'[DONE]',
		])
		expect(completion.choices[0]).toEqual({
			index: 0,
			finish_reason: 'tool_calls',
			message: {
				role: 'assistant',
				content: null,
				tool_calls: [
					{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
					{ id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
				],
			},
		})
	})

	test('probabilities and several choices, whichever comes first', async () => {
		const one = (index: number, content: string) => ({
			...head,
			choices: [{ index, delta: { content }, logprobs: { content: [{ token: content, logprob: -1 }] }, finish_reason: null }],
		})
		const { completion } = await join([one(1, 'a'), one(0, 'b'), one(1, 'c'), '[DONE]'], 2)
		expect(completion.choices.map(({ message }) => message.content)).toEqual(['b', 'ac'])
		expect(completion.choices[1]?.logprobs).toEqual({
			content: [
				{ token: 'a', logprob: -1 },
				{ token: 'c', logprob: -1 },
			],
		})
	})

	test('what comes whole comes out of its chunks again', async () => {
		const whole = {
			id: 'c',
			object: 'chat.completion' as const,
			created: 1,
			model: 'm',
			choices: [{ index: 0, message: { role: 'assistant', content: 'hi', tool_calls: [{ id: 'a' }] }, finish_reason: 'stop' }],
			usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
		}
		expect((await join([...chunksOf(whole), '[DONE]'])).completion).toEqual(whole)
	})

	test('each chunk is handed out before the next is read, and is as it came', async () => {
		const { emitted } = await join([delta({ content: 'a' }), delta({ content: 'b' }), '[DONE]'])
		expect(emitted.map(({ choices }) => choices[0]?.delta)).toEqual([{ content: 'a' }, { content: 'b' }])
	})

	test('a member with the name of the prototype reaches none', async () => {
		const { completion } = await join([`{"id":"c","choices":[{"index":0,"delta":{"__proto__":{"polluted":1},"content":"a"}}]}`, '[DONE]'])
		expect(completion.choices[0]?.message.content).toBe('a')
		expect(({} as { polluted?: number }).polluted).toBeUndefined()
	})
})

describe('refused', () => {
	const wrong: [string, unknown[], RegExp][] = [
		['no end', [delta({ content: 'a' }), done()], /broke off/],
		['nothing', [], /broke off/],
		['an end without an answer', ['[DONE]'], /0 choices of 1/],
		['no JSON', ['{'], /no JSON/],
		['no object', ['5'], /no object/],
		['no choices', [{ ...head }, '[DONE]'], /without choices/],
		['a choice without a number', [{ ...head, choices: [{ delta: {} }] }, '[DONE]'], /without choices/],
		['a choice that nobody asked for', [{ ...head, choices: [{ index: 1, delta: {} }] }, '[DONE]'], /more choices/],
		['a part of another answer', [delta({ content: 'a' }), { ...delta({ content: 'b' }), id: 'd' }, '[DONE]'], /another answer/],
		['a usage that is none', [{ ...delta({}), usage: 'much' }, '[DONE]'], /usage/],
		['an error in the middle', [delta({ content: 'a' }), { error: { message: 'out of memory' } }, '[DONE]'], /out of memory/],
	]
	test.each(wrong)('%s', async (_, values, message) => {
		await expect(join(values)).rejects.toMatchObject({ code: 'upstream', message: expect.stringMatching(message) })
	})

	test("an edge's error in the middle keeps its code", async () => {
		const error = { type: 'urn:spillway:error:deadline-exceeded', detail: 'too late' }
		await expect(join([delta({ content: 'a' }), { error }])).rejects.toMatchObject({
			code: 'deadline-exceeded',
			message: expect.stringContaining('too late'),
		})
	})

	test.each([
		['no choices', {}],
		['a choice without a message', { choices: [{ index: 0 }] }],
		['one choice twice', { choices: Array(2).fill({ index: 0, message: {} }) }],
		['a number of choices that was not asked for', { choices: [{ index: 0, message: {} }] }],
	])('whole: %s', (_, value) => {
		const body = new TextEncoder().encode(JSON.stringify(value))
		expect(() => readCompletion('vllm', body, 2)).toThrow(expect.objectContaining({ code: 'upstream' }))
	})
})
