// The help topics' vectors: one set for each space, never mixed. Here without storage, as in a private window.

import { expect, test, vi } from 'vitest'
import { wordings } from '../../demo/faq/match.ts'
import { vectorsIn } from '../../demo/faq/vectors.ts'

/** Answers in `space` with vectors that tell the text's place. */
const answering = (space: string) =>
	vi.fn(async (texts: readonly string[]) => ({ space, vectors: texts.map((text) => Float32Array.of(wordings.indexOf(text), 0)) }))

test('makes one vector for each wording, in their order, some at a time', async () => {
	const embed = answering('a')
	const vectors = await vectorsIn('a', embed, 24)
	expect(vectors.map(([place]) => place)).toEqual(wordings.map((_, index) => index))
	expect(embed.mock.calls.length).toBe(Math.ceil(wordings.length / 24))
})

test('makes them once for a space, and anew for another', async () => {
	const [first, second, other] = [answering('b'), answering('b'), answering('c')]
	const [one, two, three] = await Promise.all([vectorsIn('b', first), vectorsIn('b', second), vectorsIn('c', other)])
	expect(two).toBe(one)
	expect(three).not.toBe(one)
	expect(second).not.toHaveBeenCalled()
	expect(other).toHaveBeenCalled()
})

test('refuses vectors of another space, and tries again when asked again', async () => {
	await expect(vectorsIn('d', answering('e'))).rejects.toThrow('asked for vectors in d, got e')
	await expect(vectorsIn('d', answering('d'))).resolves.toHaveLength(wordings.length)
})
