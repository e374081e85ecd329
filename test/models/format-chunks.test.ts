// Where files are cut, and putting them together again.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleFile } from '../../models/format/assemble.ts'
import { cut, smallTensor } from '../../models/format/chunks.ts'
import { digestOf } from '../../models/format/digest.ts'
import { type ModelFile, maxChunk } from '../../models/format/manifest.ts'

/** Tensors one after another, from a few bytes to a few MiB, as sizes. */
const tensors = fc.array(
	fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 4_000_000 })),
	{
		maxLength: 40,
	},
)

const startsOf = (sizes: readonly number[]): number[] => sizes.map((_, index) => sizes.slice(0, index).reduce((a, b) => a + b, 0))
const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0)

describe('cut', () => {
	it('covers the file exactly, in pieces of 1 byte to 1 MiB', () => {
		fc.assert(
			fc.property(tensors, (sizes) => {
				const ranges = cut(sum(sizes), startsOf(sizes))
				let end = 0
				for (const range of ranges) {
					expect(range.start).toBe(end)
					expect(range.end - range.start).toBeGreaterThan(0)
					expect(range.end - range.start).toBeLessThanOrEqual(maxChunk)
					end = range.end
				}
				expect(end).toBe(sum(sizes))
			}),
		)
	})

	it('begins every chunk where a tensor begins, or 1 MiB further on inside a big one', () => {
		fc.assert(
			fc.property(tensors, (sizes) => {
				const starts = startsOf(sizes)
				for (const { start } of cut(sum(sizes), starts)) {
					const tensor = starts.findLastIndex((offset) => offset <= start)
					const within = start - (starts[tensor] as number)
					expect(within % maxChunk).toBe(0)
				}
			}),
		)
	})

	it('begins a chunk at every tensor of at least 64 KiB, and behind it', () => {
		fc.assert(
			fc.property(tensors, (sizes) => {
				const starts = startsOf(sizes)
				const begins = new Set(cut(sum(sizes), starts).map(({ start }) => start))
				sizes.forEach((size, index) => {
					if (size < smallTensor) return
					const start = starts[index] as number
					expect(begins.has(start)).toBe(true)
					if (start + size < sum(sizes)) expect(begins.has(start + size)).toBe(true)
				})
			}),
		)
	})

	it('groups small tensors: a chunk below 64 KiB stands only before or behind a big tensor, or at the end', () => {
		const sizes = Array.from({ length: 100 }, () => 5000)
		const ranges = cut(sum(sizes), startsOf(sizes))
		for (const { start, end } of ranges.slice(0, -1)) {
			expect(end - start).toBeGreaterThanOrEqual(smallTensor)
			expect(end - start).toBeLessThan(2 * smallTensor)
		}
	})

	it('leaves the cuts before a tensor, and those of big tensors behind it, where they were when it changes its size', () => {
		const before = [300_000, 2_000_000, 100, 700_000]
		const after = [300_000, 2_000_000, 180, 700_000]
		const lengths = (sizes: number[]) => cut(sum(sizes), startsOf(sizes)).map(({ start, end }) => end - start)
		expect(lengths(after).filter((length, index) => length !== lengths(before)[index])).toEqual([180])
	})

	it('does not mind order and repetition, and cuts plain files every 1 MiB', () => {
		expect(cut(300_000, [200_000, 0, 100_000, 100_000])).toEqual(cut(300_000, [0, 100_000, 200_000]))
		expect(cut(2 * maxChunk + 1)).toEqual([
			{ start: 0, end: maxChunk },
			{ start: maxChunk, end: 2 * maxChunk },
			{ start: 2 * maxChunk, end: 2 * maxChunk + 1 },
		])
		expect(cut(0)).toEqual([])
	})

	it.each([-1, 11, 0.5, Number.NaN])('refuses a tensor at %d of 10 bytes', (start) => {
		expect(() => cut(10, [start])).toThrow(RangeError)
	})
})

describe('assembleFile', () => {
	async function packed(content: Uint8Array, starts: number[]) {
		const store = new Map<string, Uint8Array>()
		const file: ModelFile = { size: content.length, digest: await digestOf(content), chunks: [] }
		for (const { start, end } of cut(content.length, starts)) {
			const piece = content.slice(start, end)
			const digest = await digestOf(piece)
			store.set(digest, piece)
			file.chunks.push({ digest, size: piece.length })
		}
		return { store, manifest: { model: 'm', version: '1.0.0', files: { 'w.bin': file } } }
	}

	const content = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) >> 3)

	it('gives the file back', async () => {
		const { store, manifest } = await packed(content, [0, 100_000, 200_000])
		expect(await assembleFile(manifest, 'w.bin', async ({ digest }) => store.get(digest) as Uint8Array)).toEqual(content)
	})

	it('notices any flipped byte, and says in which chunk', async () => {
		const { store, manifest } = await packed(content, [0, 100_000, 200_000])
		await fc.assert(
			fc.asyncProperty(fc.nat(2), fc.nat(99_999), fc.integer({ min: 1, max: 255 }), async (index, at, flip) => {
				const wanted = manifest.files['w.bin'].chunks[index]?.digest
				const reading = assembleFile(manifest, 'w.bin', async ({ digest }) => {
					const bytes = (store.get(digest) as Uint8Array).slice()
					if (digest === wanted) bytes[at] = (bytes[at] as number) ^ flip
					return bytes
				})
				await expect(reading).rejects.toMatchObject({
					code: 'integrity',
					message: expect.stringContaining(`chunk ${index} of w.bin: its SHA-256 is`),
				})
			}),
			{ numRuns: 25 },
		)
	})

	it('notices chunks that are cut short, and chunks in the wrong order', async () => {
		const { store, manifest } = await packed(content, [0, 100_000, 200_000])
		await expect(
			assembleFile(manifest, 'w.bin', async ({ digest }) => (store.get(digest) as Uint8Array).subarray(1)),
		).rejects.toMatchObject({
			code: 'integrity',
			message: 'chunk 0 of w.bin: has 99999 bytes, should have 100000',
		})
		manifest.files['w.bin'].chunks.reverse()
		await expect(assembleFile(manifest, 'w.bin', async ({ digest }) => store.get(digest) as Uint8Array)).rejects.toMatchObject({
			code: 'integrity',
			message: expect.stringMatching(/^w\.bin: its SHA-256 is/),
		})
	})

	it('knows which files there are', async () => {
		const { manifest } = await packed(content, [])
		await expect(assembleFile(manifest, 'toString', async () => content)).rejects.toMatchObject({
			code: 'not-found',
			message: 'm 1.0.0 has no file "toString"',
		})
	})
})
