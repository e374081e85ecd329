// Text tasks: token ids as the reference has them, texts in groups of like length, vectors in order.

import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Call, EmbedCall, EmbedOutput } from '../../runtime/core/call.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'
import { groups } from '../../runtime/tasks/groups.ts'
import { type TokenizedOptions, tokenized } from '../../runtime/tasks/tokenized.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { dimensions, expectedVector, packed, pixelDescription, textDescription, tokenizerJson } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const tiny = createTokenizer(json(tokenizerJson), 12)

describe('the tokenizer', () => {
	const files = Promise.all([
		readFile(new URL('../../models/minilm/tokenizer.json', import.meta.url)),
		readFile(new URL('../fixtures/minilm-reference.json', import.meta.url), 'utf8'),
	])

	test('gives the reference ids of all hundred texts', async () => {
		const [file, reference] = await files
		const tokenizer = createTokenizer(file, 256)
		const { items } = JSON.parse(reference) as { items: { text: string; ids: number[] }[] }
		expect(items).toHaveLength(100)
		for (const { text, ids } of items) expect(tokenizer.encode(text), text.slice(0, 60)).toEqual(ids)
	})

	// As Hugging Face's own implementation (tokenizers 0.22 of PyPI) gives them.
	const odd: [string, string, number[]][] = [
		['nothing', '', [101, 102]],
		['white space', ' \t\n\r\u3000 ', [101, 102]],
		['control characters', '\u0000\u0001\u0007a\u0000b\u007f', [101, 11113, 102]],
		['one word of 5,000 letters', 'x'.repeat(5000), [101, 100, 102]],
		['Chinese', '你好世界', [101, 100, 100, 1745, 100, 102]],
		['Chinese beyond U+FFFF', 'a𠀀𠀁b', [101, 1037, 100, 100, 1038, 102]],
		['a sigma at the end of a word', 'ΟΔΟΣ', [101, 1169, 29722, 29730, 29733, 102]],
		['special tokens in the text', '[CLS] [MASK]', [101, 101, 103, 102]],
		['accents', 'É e\u0301', [101, 1041, 1041, 102]],
		['half a surrogate pair', '\ud800', [101, 102]],
	]
	test.each(odd)('%s', async (_, text, ids) => {
		const [file] = await files
		expect(createTokenizer(file, 256).encode(text)).toEqual(ids)
	})

	test('cuts long texts to the limit with the special tokens kept, whatever the file says of truncation and padding', async () => {
		expect(tiny.encode('hello world')).toEqual([2, 4, 5, 3])
		expect(tiny.encode('hello '.repeat(600))).toEqual([2, ...new Array(10).fill(4), 3])
		const [file] = await files
		const ids = createTokenizer(file, 256).encode('word '.repeat(600))
		expect(ids).toHaveLength(256)
		expect([ids[0], ids.at(-1)]).toEqual([101, 102])
	})

	test('cuts a text that it reads in pieces where it would cut the whole', async () => {
		const [file] = await files
		const words = Array.from({ length: 4000 }, (_, index) => (index % 7 === 0 ? 'x'.repeat(90 + (index % 20)) : `w${index}`))
		const whole = createTokenizer(file, 100_000)
		const text = words.join(' ')
		const expected = [101, ...words.flatMap((word) => whole.encode(word).slice(1, -1)), 102]
		expect(whole.encode(text)).toEqual(expected)
		expect(createTokenizer(file, 256).encode(text)).toEqual([...expected.slice(0, 255), 102])
	})

	test.each([
		['no JSON', new TextEncoder().encode('<!doctype html>')],
		['no tokenizer', json({ hello: 'world' })],
	])('refuses a file that is %s', (_, bytes) => {
		expect(() => createTokenizer(bytes, 256)).toThrow(expect.objectContaining({ code: 'malformed' }))
	})
})

describe('groups', () => {
	const texts = (...lengths: number[]) => lengths.map((length, index) => ({ index, ids: new Array<number>(length).fill(1) }))
	const lengths = (made: ReturnType<typeof groups>) => made.map((group) => group.map(({ ids }) => ids.length))

	test('hold texts of near-equal length, shortest first', () => {
		expect(lengths(groups(texts(20, 5, 21, 5, 60, 20, 6, 25), { rows: 8, tokens: 1000 }))).toEqual([[5, 5, 6], [20, 20, 21], [25], [60]])
	})

	test('are bounded by rows and by tokens; a longer text stands alone', () => {
		expect(lengths(groups(texts(5, 5, 5, 5, 5), { rows: 2, tokens: 1000 }))).toEqual([[5, 5], [5, 5], [5]])
		expect(lengths(groups(texts(10, 10, 10, 50), { rows: 8, tokens: 20 }))).toEqual([[10, 10], [10], [50]])
	})
})

describe('embed', () => {
	let executor: Executor
	afterEach(() => executor?.dispose())

	/** The tiny text model with its task, and the calls that reached its session. */
	async function embedder(options: Partial<TokenizedOptions> = {}) {
		const session = await tinySession('cpu')
		const seen: { call: Call; context: Context }[] = []
		const watched: Executor = {
			...session,
			infer(call, context) {
				seen.push({ call, context })
				return session.infer(call, context)
			},
		}
		const { manifest } = await packed(textDescription())
		executor = tokenized(watched, { manifest, tokenizer: tiny, ...options })
		return seen
	}
	const call = (input: readonly string[], model = {}): EmbedCall => ({
		kind: 'task',
		task: 'embed',
		model: { name: 'tiny-text', ...model },
		input,
	})
	const embed = async (input: readonly string[], over: Partial<Context> = {}) => {
		const { output, ran } = await executor.infer(call(input), context(over))
		return { ...(output as EmbedOutput), ran }
	}
	const words = ['hello', 'world', 'how are you', '', 'red green blue', 'hello hello hello hello hello hello hello', 'nonsense', 'blues']

	test('gives one vector of its own for each text, in order', async () => {
		const seen = await embedder()
		const texts = Array.from({ length: 60 }, (_, index) => words[index % words.length] as string)
		const { vectors, tokens } = await embed(texts)
		expect(vectors).toHaveLength(60)
		for (const [index, vector] of vectors.entries()) {
			const expected = expectedVector(tiny.encode(texts[index] as string))
			expect(vector).toBeInstanceOf(Float32Array)
			expect(vector.buffer.byteLength).toBe(dimensions * 4)
			for (const [column, value] of expected.entries()) expect(vector[column]).toBeCloseTo(value, 5)
		}
		expect(tokens).toBe(texts.reduce((sum, text) => sum + tiny.encode(text).length, 0))
		expect(seen.length).toBeLessThan(20)
	})

	test('a text has the same vector alone and beside any others', async () => {
		await embedder()
		const together = await embed(words)
		for (const [index, text] of words.entries()) {
			const alone = await embed([text])
			for (const [column, value] of (alone.vectors[0] as Float32Array).entries())
				expect(together.vectors[index]?.[column]).toBeCloseTo(value, 5)
		}
	})

	test('runs are bounded by rows and tokens, and the provenance is that of the whole', async () => {
		const seen = await embedder({ rows: 3, tokens: 12 })
		const { ran } = await embed(words)
		const shapes = seen.map(({ call }) => (call.kind === 'tensors' ? call.tensors.ids?.shape : []) as number[])
		for (const [rows, length] of shapes as [number, number][]) {
			expect(rows).toBeLessThanOrEqual(3)
			expect(rows === 1 || rows * length <= 12).toBe(true)
		}
		expect(ran).toMatchObject({
			executor: 'device',
			provider: 'cpu',
			model: 'tiny-text',
			batch: Math.max(...shapes.map(([rows]) => rows as number)),
		})
		expect(ran.run).toBeGreaterThan(0)
		expect(ran.space).toMatch(/^tiny-text@[0-9a-f]{64}\/fp32$/)
	})

	test('tensor calls pass', async () => {
		await embedder()
		expect(executor.accepts).toEqual(['tensors', 'embed'])
		const tensors = {
			ids: { datatype: 'INT64', shape: [1, 1], data: BigInt64Array.of(2n) },
			mask: { datatype: 'INT64', shape: [1, 1], data: BigInt64Array.of(1n) },
		} as const
		const { output } = await executor.infer({ kind: 'tensors', model: { name: 'tiny-text' }, tensors }, context())
		expect(output.kind).toBe('tensors')
	})

	test.each([
		['no list', 'hello', 'give the texts as a list of strings'],
		['an empty list', [], 'give at least one text'],
		['something else in it', ['hello', 7], 'text 1 must be a string, is number'],
		['null in it', [null], 'text 0 must be a string, is null'],
	])('refuses %s', async (_, input, message) => {
		await embedder()
		await expect(embed(input as string[])).rejects.toMatchObject({ code: 'invalid-input', message })
	})

	test('refuses another model, version, space or task', async () => {
		await embedder()
		await expect(executor.infer(call(['hello'], { name: 'other' }), context())).rejects.toMatchObject({ code: 'not-found' })
		await expect(executor.infer(call(['hello'], { space: 'other' }), context())).rejects.toMatchObject({ code: 'unsupported' })
		const other = { ...call(['hello']), task: 'summarize' } as unknown as EmbedCall
		await expect(executor.infer(other, context())).rejects.toMatchObject({
			code: 'unsupported',
			message: 'tiny-text does not summarize, it can embed',
		})
		expect(executor.estimate(other)).toMatchObject({ can: 'no', reason: 'unsupported' })
		const { manifest } = await packed(pixelDescription())
		expect(() => tokenized(executor, { manifest, tokenizer: tiny })).toThrow('tiny-pixels has no task')
	})

	test('a call of thousands stops at an abort: what has not begun never does', async () => {
		const seen = await embedder({ rows: 1, width: 1 })
		const controller = new AbortController()
		const running = embed(new Array(5000).fill('hello world'), { signal: controller.signal })
		setTimeout(() => controller.abort(), 20)
		await expect(running).rejects.toMatchObject({ code: 'aborted' })
		const begun = seen.length
		expect(begun).toBeLessThan(5000)
		await new Promise((resolve) => setTimeout(resolve, 30))
		expect(seen).toHaveLength(begun)
	})

	test('each run is given the time that is left', async () => {
		const seen = await embedder({ rows: 1, width: 1 })
		await embed(new Array(50).fill('hello'), { remaining: 10_000 })
		const left = seen.map(({ context }) => context.remaining)
		expect(left.every((time, index) => time <= 10_000 && (index === 0 || time <= (left[index - 1] as number)))).toBe(true)
		await expect(embed(new Array(50).fill('hello'), { remaining: 0 })).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})

	test('when one run fails, so does the call, with its error', async () => {
		await embedder({ rows: 1 })
		const broken = createTokenizer(
			json({ ...tokenizerJson, model: { ...tokenizerJson.model, vocab: { ...tokenizerJson.model.vocab, world: 999 } } }),
			12,
		)
		const { manifest } = await packed(textDescription())
		const failing = tokenized(executor, { manifest, tokenizer: broken })
		await expect(failing.infer(call(['hello', 'world', 'hello']), context())).rejects.toMatchObject({ code: 'invalid-input' })
	})

	test('estimates grow with the texts once something was measured', async () => {
		await embedder()
		expect(executor.estimate(call(['hello']))).toMatchObject({ can: 'now', queue: 0 })
		await embed(words)
		const one = executor.estimate(call(['hello'])).run
		expect(one).toBeGreaterThan(0)
		expect(executor.estimate(call(new Array(100).fill('hello'))).run).toBeGreaterThan(50 * one)
	})
})
