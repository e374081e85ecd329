// Token ids as the tensors that the model takes.

/** A padded batch, both tensors [rows, columns]. */
export interface Batch {
	readonly rows: number
	readonly columns: number
	readonly ids: BigInt64Array
	/** 1 for a token, 0 for padding */
	readonly mask: BigInt64Array
}

/**
 * Pads token ids to a common length.
 *
 * @param texts the token ids of each text
 * @param columns length to pad to; by default that of the longest text
 * @throws {RangeError} if a text is longer than `columns`
 * @example padded([[101, 7592, 102], [101, 102]]).mask // 1n 1n 1n, 1n 1n 0n
 */
export function padded(texts: readonly (readonly number[])[], columns = Math.max(...texts.map((ids) => ids.length))): Batch {
	const ids = new BigInt64Array(texts.length * columns)
	const mask = new BigInt64Array(texts.length * columns)
	texts.forEach((text, row) => {
		if (text.length > columns) throw new RangeError(`text ${row} has ${text.length} tokens, the batch ${columns}`)
		ids.set(text.map(BigInt), row * columns)
		mask.fill(1n, row * columns, row * columns + text.length)
	})
	return { rows: texts.length, columns, ids, mask }
}
