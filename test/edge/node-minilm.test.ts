// The shipped model on Node: right, and the same in any batch.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TensorsOutput } from '../../runtime/core/call.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { agreement, context, edgeAt, embed, references } from './harness/minilm.ts'
import { minilmSource, type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { suiteConfig } from './suites/under-test.ts'

// A model of this size on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let packed: PackedFolder
let edge: RunningNode
beforeAll(async () => {
	packed = await packModels([minilmSource])
	edge = await startNode({ config: { ...suiteConfig, models: { minilm: {} }, limits: {} }, models: packed.folder })
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

describe('minilm on Node', () => {
	test('agrees with the fp32 model on all reference texts', async () => {
		const vectors = await embed(
			edgeAt(edge.url),
			references.map(({ text }) => text),
		)
		const { mean, least } = agreement(
			vectors,
			references.map(({ vector }) => vector),
		)
		expect(mean).toBeGreaterThanOrEqual(0.998)
		expect(least).toBeGreaterThanOrEqual(0.985)
	})

	test('a text has the same vector alone, in a call of many, and in batches padded by its neighbours', async () => {
		const executor = edgeAt(edge.url)
		const chosen = references.filter((_, index) => index % 7 === 0)
		const together = await embed(
			executor,
			chosen.map(({ text }) => text),
		)
		// Short ones: long ones would run alone on a machine that is busy.
		const padded = await inOneBatch(
			chosen.map(({ ids }) => ids).filter(({ length }) => length <= width),
			width,
		)
		let row = 0
		for (const [index, { text, ids }] of chosen.entries()) {
			const [alone] = await embed(executor, [text])
			expect(largestDifference(alone as Float32Array, together[index] as Float32Array)).toBeLessThanOrEqual(1e-5)
			if (ids.length > width) continue
			expect(largestDifference(alone as Float32Array, padded[row++] as Float32Array)).toBeLessThanOrEqual(1e-5)
		}
		expect(row).toBeGreaterThan(5)
	})
})

/** Tokens that texts are padded to. */
const width = 48

/** The texts as rows of one tensor, each padded to `width`. */
async function inOneBatch(rows: readonly (readonly number[])[], width: number): Promise<Float32Array[]> {
	const ids = new BigInt64Array(rows.length * width)
	const mask = new BigInt64Array(rows.length * width)
	for (const [row, tokens] of rows.entries())
		for (const [column, id] of tokens.entries()) {
			ids[row * width + column] = BigInt(id)
			mask[row * width + column] = 1n
		}
	const shape = [rows.length, width]
	const { output, ran } = await edgeAt(edge.url).infer(
		{
			kind: 'tensors',
			model: { name: 'minilm' },
			tensors: { input_ids: tensor('INT64', shape, ids), attention_mask: tensor('INT64', shape, mask) },
		},
		context(),
	)
	expect(ran.batch).toBeGreaterThan(1)
	const data = (output as TensorsOutput).tensors.sentence_embedding?.data as Float32Array
	return rows.map((_, row) => data.subarray(row * 384, (row + 1) * 384))
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
	a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] as number))), 0)
