// Texts over batching: those of different callers share runs, and a call of thousands is in nobody's way.

import { afterEach, expect, test } from 'vitest'
import { type Batching, type BatchingOptions, batching } from '../../runtime/batch/batching.ts'
import type { Call, EmbedCall, EmbedOutput } from '../../runtime/core/call.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { type Tokenized, tokenized } from '../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { expectedVector, packed, textDescription, tokenizerJson } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

const tokenizer = createTokenizer(new TextEncoder().encode(JSON.stringify(tokenizerJson)), 12)
let executor: Tokenized
let batched: Batching
let runs: number[][]
afterEach(() => executor?.dispose())

async function embedder(options: Partial<BatchingOptions> = {}, time = 0) {
	const session = await tinySession('cpu')
	runs = []
	const watched: Executor = {
		...session,
		async infer(call: Call, context: Context) {
			if (call.kind === 'tensors') runs.push([...(call.tensors.ids?.shape ?? [])])
			const began = performance.now()
			if (time > 0) await new Promise((resolve) => setTimeout(resolve, time))
			const answer = await session.infer(call, context)
			return { ...answer, ran: { ...answer.ran, run: performance.now() - began } }
		},
	}
	const { manifest } = await packed(textDescription())
	batched = batching({ manifest, ...options })(watched)
	executor = tokenized(batched, { manifest, tokenizer })
}

const call = (input: readonly string[]): EmbedCall => ({ kind: 'task', task: 'embed', model: { name: 'tiny-text' }, input })

async function embed(input: readonly string[], over: Partial<Context> = {}) {
	const { output, ran } = await executor.infer(call(input), context(over))
	const { vectors } = output as EmbedOutput
	expect(vectors).toHaveLength(input.length)
	for (const [index, text] of input.entries())
		for (const [column, value] of expectedVector(tokenizer.encode(text)).entries()) expect(vectors[index]?.[column]).toBeCloseTo(value, 5)
	return { ran, tokens: (output as EmbedOutput).tokens }
}

const words = ['hello', 'world', 'how', 'are', 'you', 'red', 'green', 'blue']
/** Texts that differ, of one to ten words. */
const textsOf = (count: number, from = 0) =>
	Array.from({ length: count }, (_, index) =>
		Array.from({ length: 1 + ((from + index) % 10) }, (_, place) => words[((from + index) >> place) % words.length]).join(' '),
	)

test('texts of one call and of many callers are joined, each with its own vector', async () => {
	await embedder()
	const [{ ran, tokens }] = await Promise.all([embed(textsOf(100)), ...textsOf(30, 500).map((text) => embed([text]))])
	expect(tokens).toBe(textsOf(100).reduce((sum, text) => sum + tokenizer.encode(text).length, 0))
	expect(runs.length).toBeLessThan(60)
	expect(ran.batch).toBeGreaterThan(3)
	expect(batched.pending()).toBe(0)
})

test('the time in runs is that of the runs, however many texts they answered', async () => {
	await embedder({ maxBatch: 8 })
	const { ran } = await embed(textsOf(64))
	expect(ran.run).toBeGreaterThan(0)
	expect(ran.run).toBeLessThan(1000)
	const estimate = executor.estimate(call(textsOf(64)))
	expect(estimate).toMatchObject({ can: 'now' })
	expect(executor.pace).toMatchObject({ rows: 8, width: 1, maxTokens: 12 })
})

test('the same text many times is one row', async () => {
	await embedder()
	await embed(new Array(50).fill('hello world'))
	expect(runs).toEqual([[1, 4]])
})

test('a call of 5,000 texts is answered in portions, between which others are answered, and lets the thread breathe', async () => {
	await embedder({ maxBatch: 8 }, 1)
	// No two the same.
	const many = Array.from({ length: 5000 }, (_, index) => Array.from({ length: 10 }, (_, bit) => words[(index >> bit) & 1]).join(' '))
	const controller = new AbortController()
	const all = executor.infer(call(many), context({ signal: controller.signal, remaining: 60_000 }))
	let over = false
	all.catch(() => {}).finally(() => (over = true))
	for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
	expect(over).toBe(false)
	expect(batched.pending()).toBeLessThan(700)
	const before = runs.length
	await embed(['blue green red'])
	expect(runs.length - before).toBeLessThan(12)
	controller.abort()
	await expect(all).rejects.toMatchObject({ code: 'aborted' })
	await expect.poll(() => batched.pending()).toBe(0)
})
