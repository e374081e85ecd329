// Embeddings as OpenAI's interface has them, held against what was asked.

import type { EmbedOutput } from '../../../runtime/core/call.ts'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { fromUtf8 } from '../../../runtime/core/utf8.ts'

/** @throws SpillwayError `invalid-input` for anything but a list of strings. */
export function checkTexts(texts: readonly string[]): void {
	if (!Array.isArray(texts) || texts.length === 0)
		throw new SpillwayError('invalid-input', 'give the texts as a list of strings, at least one')
	const wrong = texts.findIndex((text) => typeof text !== 'string')
	if (wrong >= 0) throw new SpillwayError('invalid-input', `text ${wrong} must be a string, is ${typeof texts[wrong]}`)
}

interface Answered {
	data: { index: number; embedding: unknown }[]
	usage?: { prompt_tokens?: unknown; total_tokens?: unknown } | null
}

/**
 * Reads the answer to so many texts.
 * @throws SpillwayError `upstream` unless it holds one vector of the model's length for each, all numbers.
 */
export function readEmbeddings(
	name: string,
	body: Uint8Array,
	texts: number,
	{ dimensions }: { readonly dimensions: number },
): EmbedOutput {
	const wrong = (why: string) => new SpillwayError('upstream', `${name} answered wrongly: ${why}`)
	try {
		const { data, usage }: Answered = JSON.parse(fromUtf8(body))
		const vectors: Float32Array[] = new Array(texts)
		for (const { index, embedding } of data) {
			if (!Number.isInteger(index) || index < 0 || index >= texts || vectors[index]) throw wrong(`a vector of number ${index} of ${texts}`)
			vectors[index] = vectorOf(embedding)
		}
		if (data.length !== texts) throw wrong(`${data.length} vectors for ${texts} texts`)
		const short = vectors.find(({ length }) => length !== dimensions)
		if (short) throw wrong(`vectors of ${short.length} numbers, must have ${dimensions}`)
		if (!vectors.every((vector) => vector.every(Number.isFinite))) throw wrong('NaN or infinity')
		const tokens = [usage?.prompt_tokens, usage?.total_tokens].find(Number.isSafeInteger) ?? 0
		return { kind: 'embed', vectors, tokens: tokens as number }
	} catch (error) {
		throw error instanceof SpillwayError ? error : wrong(messageOf(error))
	}
}

/** From numbers, or from the base64 of little-endian ones. */
function vectorOf(embedding: unknown): Float32Array {
	if (typeof embedding !== 'string') {
		if (!Array.isArray(embedding) || !embedding.every((value) => typeof value === 'number')) throw new TypeError('a vector that is none')
		return Float32Array.from(embedding)
	}
	const bytes = Uint8Array.from(atob(embedding), (character) => character.charCodeAt(0))
	return new Float32Array(bytes.buffer)
}
