// The shipped model as users get it: a page's workers and the edge's Node answer as the fp32 model does, and as one another do.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { localModel } from '../../edge/cli/local-model.ts'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { generateSigningKey } from '../../models/format/keys.ts'
import { channelPath } from '../../models/format/layout.ts'
import { type Batch, padded } from '../../models/tools/minilm/batch.ts'
import { dot, largestDifference, likeness, rowsOf } from '../../models/tools/minilm/measure.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { type Tensors, tensor } from '../../runtime/core/tensor.ts'
import type { Model } from '../../runtime/index.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { context } from '../runtime/tiny-sessions.ts'
import { getBrowser } from './launch.ts'
import { openPage, staticHost } from './page.ts'

declare global {
	interface Window {
		minilm: Model
	}
}

/** Where the model runs; `embed` as applications call it, `run` with tensors of the test's own. */
interface Place {
	embed(texts: readonly string[]): Promise<Embedded>
	run(batch: Batch): Promise<Float32Array[]>
}

interface Embedded {
	vectors: Float32Array[]
	space: string | null
}

/** Milliseconds for a call on a busy machine. */
const deadline = 120_000
const models = join(import.meta.dirname, '../../dist/packed')
const { items } = JSON.parse(await readFile(join(import.meta.dirname, '../fixtures/minilm-reference.json'), 'utf8')) as {
	items: { text: string; ids: number[]; vector: number[] }[]
}
const texts = items.map(({ text }) => text)
const reference = items.map(({ vector }) => Float32Array.from(vector))

let page: Page
let node: Executor
/** All hundred texts, in one call. */
let together: Record<'page' | 'Node', Embedded>

beforeAll(async () => {
	node = await localModel(models, 'minilm', 'embed')
	atEnd(() => node.dispose())
	// What the build packed, signed anew as an edge does: the build's own signature may have expired.
	const key = await generateSigningKey()
	const packed = readChannel(await readFile(join(models, channelPath('minilm')), 'utf8'))
	const now = Math.floor(Date.now() / 1000)
	const channel = await signChannel({ ...packed, issued: now, expires: now + 3600 }, key)
	const site = await staticHost({ folder: models }, { mounts: { [`/models/${channelPath('minilm')}`]: { text: channel } } })
	page = await openPage(await getBrowser(), site)
	await page.evaluate(
		async (trust) => {
			window.minilm = await window.spillway.createRuntime({ models: '/models/', trust, policy: 'device-only' }).load('minilm')
		},
		[key.x],
	)
	together = { page: await places.page.embed(texts), Node: await places.Node.embed(texts) }
})

const places: Record<'page' | 'Node', Place> = {
	page: {
		async embed(texts) {
			const { vectors, space } = await page.evaluate(
				async ({ texts, deadline }) => {
					const { vectors, space } = await window.minilm.embed(texts, { deadline })
					return { vectors: vectors.map((vector) => [...vector]), space }
				},
				{ texts, deadline },
			)
			return { vectors: vectors.map((vector) => Float32Array.from(vector)), space }
		},
		async run({ rows, columns, ids, mask }) {
			const vectors = await page.evaluate(
				async ({ shape, ids, mask, deadline }) => {
					const int64 = (values: string[]) => window.spillway.tensor('INT64', shape, BigInt64Array.from(values, BigInt))
					const { tensors } = await window.minilm.infer({ input_ids: int64(ids), attention_mask: int64(mask) }, { deadline })
					const output = tensors.sentence_embedding?.data as Float32Array
					return [...output]
				},
				{ shape: [rows, columns], ids: Array.from(ids, String), mask: Array.from(mask, String), deadline },
			)
			return rowsOf(Float32Array.from(vectors), rows)
		},
	},
	Node: {
		async embed(texts) {
			const { output, ran } = await node.infer({ kind: 'task', model: { name: 'minilm' }, task: 'embed', input: texts }, calm())
			return { vectors: output.kind === 'embed' ? [...output.vectors] : [], space: ran.space }
		},
		async run({ rows, columns, ids, mask }) {
			const int64 = (values: BigInt64Array) => tensor('INT64', [rows, columns], values)
			const tensors: Tensors = { input_ids: int64(ids), attention_mask: int64(mask) }
			const { output } = await node.infer({ kind: 'tensors', model: { name: 'minilm' }, tensors }, calm())
			return output.kind === 'tensors' ? rowsOf(output.tensors.sentence_embedding?.data as Float32Array, rows) : []
		},
	},
}

const calm = () => context({ remaining: deadline })

describe.each(['page', 'Node'] as const)('%s', (name) => {
	const place = places[name]

	test('is as near to the fp32 model as it must be, over a hundred texts', () => {
		const { vectors } = together[name]
		expectUnit(vectors, 100)
		const { cosineMean, cosineMin } = likeness(vectors, reference)
		expect(cosineMean).toBeGreaterThanOrEqual(0.998)
		expect(cosineMin).toBeGreaterThanOrEqual(0.985)
	})

	test('gives each text the same vector alone as among the others', async () => {
		for (const [index, text] of texts.entries()) {
			const { vectors } = await place.embed([text])
			const difference = largestDifference(vectors[0] as Float32Array, together[name].vectors[index] as Float32Array)
			expect(difference, text.slice(0, 60)).toBeLessThanOrEqual(1e-5)
		}
	})

	test('gives a text the same vector alone and in any padded batch', async () => {
		const long = idsOf(({ length }) => length === 256)
		const middle = idsOf(({ length }) => length > 40 && length < 60)
		const mates = items.map(({ ids }) => ids).filter(({ length }) => length > 2 && length <= 40)
		for (const subject of [idsOf(({ length }) => length === 2), idsOf(({ length }) => length === 9), mates[0] as number[], middle]) {
			const [alone] = await place.run(padded([subject]))
			const batches = [
				padded([subject], subject.length + 1),
				padded([subject], 61),
				padded([subject], 256),
				littered(padded([subject], 61)),
				padded([subject, subject]),
				padded([subject, middle]),
				padded([middle, subject], 70),
				padded([long, subject]),
				padded([subject, ...mates.slice(0, 7)]),
				padded([...mates.slice(7, 20), subject, ...mates.slice(20, 22)]),
			]
			for (const batch of batches) {
				const vectors = await place.run(batch)
				const row = rowOf(subject, batch)
				const difference = largestDifference(vectors[row] as Float32Array, alone as Float32Array)
				expect(difference, `${subject.length} tokens as row ${row} of [${batch.rows}, ${batch.columns}]`).toBeLessThanOrEqual(1e-5)
			}
		}
	})
})

test('page and Node answer in one space, and agree on every text', () => {
	expect(together.page.space).toMatch(/^minilm@[0-9a-f]{64}\/int8$/)
	expect(together.Node.space).toBe(together.page.space)
	const cosines = together.page.vectors.map((vector, index) => dot(vector, together.Node.vectors[index] as Float32Array))
	expect(cosines).toHaveLength(100)
	expect(Math.min(...cosines)).toBeGreaterThanOrEqual(0.999)
})

describe('the page embeds', () => {
	const odd: [string, string][] = [
		['nothing', ''],
		['white space', ' \t\n\r\u3000 '],
		['emoji', '😍🎉👩‍👩‍👧‍👦🇫🇷'],
		['Chinese', '今天天气很好，我们去公园玩。'],
		['control characters', '\u0000\u0001\u0007a\u0000b\u007f'],
		['half a surrogate pair', '\ud800'],
		['600 words', 'word '.repeat(600)],
		['one word of 5,000 letters', 'x'.repeat(5000)],
	]

	test.each(odd)('%s', async (_, text) => {
		expectUnit((await places.page.embed([text])).vectors, 1)
	})

	test('all of these in one call', async () => {
		expectUnit((await places.page.embed(odd.map(([, text]) => text))).vectors, odd.length)
	})
})

function expectUnit(vectors: Float32Array[], count: number): void {
	expect(vectors.map(({ length }) => length)).toEqual(new Array(count).fill(384))
	for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
}

/** Token ids of the first text of the reference that they fit. */
const idsOf = (wanted: (ids: number[]) => boolean): number[] => items.find(({ ids }) => wanted(ids))?.ids as number[]

/** The same with any token where the mask says that there is none. */
const littered = (batch: Batch): Batch => ({ ...batch, ids: batch.ids.map((id, at) => (batch.mask[at] === 1n ? id : 2000n + BigInt(at))) })

/** The first row with these token ids. */
function rowOf(text: readonly number[], { rows, columns, ids, mask }: Batch): number {
	const row = (index: number) =>
		[...ids.subarray(index * columns, (index + 1) * columns)].filter((_, at) => mask[index * columns + at] === 1n)
	return Array.from({ length: rows }, (_, index) => row(index).join()).indexOf(text.join())
}
