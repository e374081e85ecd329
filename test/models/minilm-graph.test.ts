import { readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { descriptionSchema, type TensorData } from '../../models/format/manifest.ts'
import { floatModel, quantizedModel, type Ranges } from '../../models/tools/minilm/assemble.ts'
import { type Batch, padded } from '../../models/tools/minilm/batch.ts'
import { calibrate } from '../../models/tools/minilm/calibrate.ts'
import type { Checkpoint, Layer } from '../../models/tools/minilm/checkpoint.ts'
import { openVariant } from '../../models/tools/minilm/evaluate.ts'
import { type Matrix, matrix } from '../../models/tools/minilm/matrix.ts'
import { batchDifference, embedAlone, largestDifference, likeness, rowsOf } from '../../models/tools/minilm/measure.ts'
import { quantizeColumns, quantizeRows, unshiftedBias } from '../../models/tools/minilm/quantize.ts'
import { onNode, onWasm, type Session } from '../../models/tools/minilm/sessions.ts'
import { smoothingFactors } from '../../models/tools/minilm/smooth.ts'
import { calibrationTexts, evaluationTexts, readTexts } from '../../models/tools/minilm/texts.ts'
import { externalTensors } from '../../models/tools/onnx/external.ts'
import { viewAs } from '../../runtime/core/datatype.ts'

describe('quantization', () => {
	it('keeps every weight within half a step of its column or row', () => {
		const weights = matrix(2, 3, Float32Array.of(1, -0.5, 0, -2, 0.25, 0))
		const columns = quantizeColumns(weights)
		const rows = quantizeRows(weights)
		weights.data.forEach((value, i) => {
			const columnStep = columns.scales[i % 3] as number
			const rowStep = rows.scales[Math.floor(i / 3)] as number
			expect(Math.abs((columns.values[i] as number) * columnStep - value)).toBeLessThanOrEqual(columnStep / 2)
			expect(Math.abs((rows.values[i] as number) * rowStep - value)).toBeLessThanOrEqual(rowStep / 2)
		})
	})

	it('takes back a shift of all inputs in the bias', () => {
		const weights = quantizeColumns(matrix(2, 1, Float32Array.of(1, 2)))
		expect(unshiftedBias(Float32Array.of(10), weights, 0.5)[0]).toBeCloseTo(10 - 0.5 * 3, 2)
	})

	it('gives the same smoothing factors when activations differ in their last bits', () => {
		const weights = matrix(3, 1, Float32Array.of(0.1, 1, 10))
		const factors = smoothingFactors(Float32Array.of(5, 0, 0.3), weights, 0.6)
		expect(smoothingFactors(Float32Array.of(5.000001, 0, 0.2999999), weights, 0.6)).toEqual(factors)
		expect(factors.every((factor) => factor > 0)).toBe(true)
	})
})

describe('graphs over a small encoder', () => {
	const checkpoint = smallCheckpoint()
	const texts = [
		[1, 2],
		[1, 7, 9, 30, 2],
		[1, ...Array.from({ length: 19 }, (_, i) => 3 + i), 2],
		[1, 5, 5, 5, 5, 5, 2],
	]
	let ranges: Ranges
	let reference: Float32Array[]

	beforeAll(async () => {
		ranges = await calibrate(checkpoint, texts)
		reference = await embedAlone(await onNode(floatModel(checkpoint)), texts)
	})

	it('give vectors of length 1 near those of the floats', async () => {
		const { wasm, webgpu, weights } = quantizedModel(checkpoint, ranges)
		for (const graph of [wasm, webgpu]) {
			const vectors = await embedAlone(await onWasm(graph, weights), texts)
			expect(likeness(vectors, reference).cosineMin).toBeGreaterThan(0.999)
			for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
		}
	})

	it('give numbers when a word, a column and all activations are zero', async () => {
		const zero = (of: Matrix): Matrix => ({ ...of, data: new Float32Array(of.data.length) })
		const { wasm, webgpu, weights } = quantizedModel(
			{
				...checkpoint,
				words: zero(checkpoint.words),
				positions: zero(checkpoint.positions),
				embeddingNorm: { ...checkpoint.embeddingNorm, bias: new Float32Array(64) },
			},
			ranges,
		)
		for (const graph of [wasm, webgpu]) {
			const vector = await (await onWasm(graph, weights)).embed(padded([[1, 2]]))
			expect(vector.every(Number.isFinite)).toBe(true)
		}
	})

	it('are the same bytes each time', () => {
		expect(quantizedModel(checkpoint, ranges)).toEqual(quantizedModel(checkpoint, ranges))
	})
})

describe('the shipped model', () => {
	const folder = 'models/minilm'
	let sessions: Record<'cpu' | 'wasm' | 'webgpu', Session>

	beforeAll(async () => {
		sessions = await openVariant(folder)
	})

	afterAll(async () => {
		for (const session of Object.values(sessions)) await session.release()
	})

	it('is described as the packer expects, its files beside the description', async () => {
		const { int8 } = (await readDescription()).variants
		for (const { file, external } of Object.values(int8?.graphs ?? {})) {
			for (const name of [file, ...external]) expect((await stat(`${folder}/${name}`)).size).toBeGreaterThan(0)
		}
	})

	it('has weights that do not overlap, large ones first, within the file', async () => {
		const { size } = await stat(`${folder}/weights.bin`)
		for (const graph of ['wasm.onnx', 'webgpu.onnx']) {
			let end = 0
			for (const { offset, length } of externalTensors(await readFile(`${folder}/${graph}`))) {
				expect(offset % 64).toBe(0)
				expect(offset).toBeGreaterThanOrEqual(end)
				end = offset + length
			}
			expect(end).toBeLessThanOrEqual(size)
		}
	})

	it.each(['cpu', 'wasm', 'webgpu'] as const)('answers its golden samples within the tolerance: %s', async (provider) => {
		const { golden, graphs } = (await readDescription()).variants.int8 ?? {}
		const { cosine = 1, absolute = 0 } = graphs?.[provider]?.tolerance ?? {}
		for (const { inputs, outputs } of golden ?? []) {
			const batch = batchOf(inputs.input_ids as TensorData, inputs.attention_mask as TensorData)
			const expected = viewAs('FP32', bytes(outputs.sentence_embedding as TensorData))
			const actual = await sessions[provider].embed(batch)
			expect(likeness(rowsOf(actual, batch.rows), rowsOf(expected, batch.rows)).cosineMin).toBeGreaterThan(cosine)
			expect(largestDifference(actual, expected)).toBeLessThan(absolute)
		}
	})

	it.each(['cpu', 'wasm', 'webgpu'] as const)('gives a text the same vector alone and in any batch: %s', async (provider) => {
		// All lengths up to 24: whatever kernels do with what is left over after whole vectors.
		const texts = Array.from({ length: 24 }, (_, length) => [
			101,
			...Array.from({ length }, (_, i) => 2000 + ((97 * i * (length + 1)) % 28000)),
			102,
		])
		const alone = await embedAlone(sessions[provider], texts)
		expect(await batchDifference(sessions[provider], texts, alone, 7)).toBeLessThan(1e-5)
		expect(await batchDifference(sessions[provider], texts, alone, 24)).toBeLessThan(1e-5)
	})

	it('was calibrated on other texts than it is evaluated on', async () => {
		const calibration = new Set(await readTexts(calibrationTexts))
		expect((await readTexts(evaluationTexts)).filter((text) => calibration.has(text))).toEqual([])
	})

	async function readDescription() {
		return descriptionSchema.parse(JSON.parse(await readFile(`${folder}/model.json`, 'utf8')))
	}
})

function batchOf(ids: TensorData, mask: TensorData): Batch {
	const [rows = 0, columns = 0] = ids.shape
	return { rows, columns, ids: viewAs('INT64', bytes(ids)), mask: viewAs('INT64', bytes(mask)) }
}

function bytes({ data }: TensorData): Uint8Array {
	return new Uint8Array(Buffer.from(data, 'base64'))
}

/** Two layers of two heads with arbitrary weights. */
function smallCheckpoint(): Checkpoint {
	let state = 1
	const next = () => {
		// The generator of C's standard: good enough for weights, and the same everywhere.
		state = (state * 1103515245 + 12345) % 2 ** 31
		return (state / 2 ** 31 - 0.5) * 2
	}
	const values = (length: number, scale: number) => Float32Array.from({ length }, () => next() * scale)
	const weights = (rows: number, columns: number, scale = 0.2) => matrix(rows, columns, values(rows * columns, scale))
	const linear = (rows: number, columns: number) => ({ weight: weights(rows, columns), bias: values(columns, 0.1) })
	const norm = () => ({ gain: values(64, 0.2).map((value) => 1 + value), bias: values(64, 0.1) })
	const layer = (): Layer => ({
		query: linear(64, 64),
		key: linear(64, 64),
		value: linear(64, 64),
		attention: linear(64, 64),
		attentionNorm: norm(),
		intermediate: linear(64, 128),
		output: linear(128, 64),
		outputNorm: norm(),
	})
	return { words: weights(40, 64, 1), positions: weights(32, 64, 0.5), embeddingNorm: norm(), layers: [layer(), layer()] }
}
