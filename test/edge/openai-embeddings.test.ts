// Embeddings of an upstream that speaks OpenAI's interface: held against what was asked, never silently wrong.

import { expect, test } from 'vitest'
import { readEmbeddings } from '../../edge/upstreams/openai/embeddings.ts'

const read = (value: unknown, texts = 2) => {
	const body = new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
	return readEmbeddings('vllm', body, texts, { dimensions: 2 })
}
const base64 = (...numbers: number[]) => Buffer.from(Float32Array.from(numbers).buffer).toString('base64')
const one = (index: number, embedding: unknown) => ({ object: 'embedding', index, embedding })

test('numbers and base64, in any order', () => {
	const usage = { prompt_tokens: 5, total_tokens: 5 }
	const { vectors, tokens } = read({ data: [one(1, base64(3, 4)), one(0, [1, 2])], usage })
	expect(vectors).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)])
	expect(tokens).toBe(5)
	expect(read({ data: [one(0, [1, 2])] }, 1).tokens).toBe(0)
})

test.each([
	['no JSON', '<html>'],
	['nothing', 'null'],
	['no list', { data: 'x' }],
	['one too few', { data: [one(0, [1, 2])] }],
	['one too many', { data: [one(0, [1, 2]), one(1, [1, 2]), one(2, [1, 2])] }],
	['one twice', { data: [one(0, [1, 2]), one(0, [1, 2])] }],
	['one without a number', { data: [one(0, [1, 2]), { embedding: [1, 2] }] }],
	['other lengths', { data: [one(0, [1, 2]), one(1, [1, 2, 3])] }],
	['something else than numbers', { data: [one(0, [1, 2]), one(1, [1, null])] }],
	['what is no vector', { data: [one(0, [1, 2]), one(1, { a: 1 })] }],
	['NaN', { data: [one(0, [1, 2]), one(1, base64(Number.NaN, 1))] }],
	['more than a float can hold', { data: [one(0, [1, 2]), one(1, [1e39, 1])] }],
	['base64 that is none', { data: [one(0, [1, 2]), one(1, '%%')] }],
	['base64 of half a number', { data: [one(0, [1, 2]), one(1, 'AAA=')] }],
])('%s is an error of the upstream', (_, value) => {
	expect(() => read(value)).toThrow(expect.objectContaining({ code: 'upstream', message: expect.stringContaining('vllm') }))
})
