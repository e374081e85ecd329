// Where a file is cut into chunks, so that a changed tensor changes only its own chunks.

import { maxChunk } from './manifest.ts'

/** Bytes of a file: from `start`, up to but not including `end`. */
export interface Range {
	readonly start: number
	readonly end: number
}

/** A tensor of at least so many bytes begins a chunk of its own; smaller neighbours share one until it holds as much. */
export const smallTensor = 64 * 1024

/**
 * Cuts a file of `size` bytes. A big tensor is cut every 1 MiB from its beginning. Padding behind a tensor belongs to it.
 *
 * @param size bytes of the file.
 * @param starts offsets at which tensors begin, in any order; none for a file that is no weights.
 * @returns ranges in order that cover the file exactly, each of 1 byte to 1 MiB.
 * @throws RangeError for an offset outside the file.
 * @example cut(2_500_000, []) // [0, 1048576), [1048576, 2097152), [2097152, 2500000)
 */
export function cut(size: number, starts: Iterable<number> = []): Range[] {
	const offsets = [...new Set([0, ...starts])].sort((a, b) => a - b)
	const outside = offsets.find((offset) => !Number.isSafeInteger(offset) || offset < 0 || offset > size)
	if (outside !== undefined) throw new RangeError(`a tensor cannot begin at ${outside} in a file of ${size} bytes`)
	const ranges: Range[] = []
	let open = 0
	const close = (end: number) => {
		for (; open < end; open = Math.min(open + maxChunk, end)) ranges.push({ start: open, end: Math.min(open + maxChunk, end) })
	}
	for (const [index, start] of offsets.entries()) {
		const end = offsets[index + 1] ?? size
		const big = end - start >= smallTensor
		if (big) close(start)
		if (big || end - open >= smallTensor) close(end)
	}
	close(size)
	return ranges
}
