// A whole file of a model, or a part of it, streamed from its chunks.

import type { Chunk, ModelFile } from '../../models/format/manifest.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Catalog } from './catalog.ts'
import type { ByteRange } from './range.ts'

/** The chunks that hold a part of a file, each with its piece of that part. */
export function piecesOf(file: ModelFile, { start, end }: ByteRange): { chunk: Chunk; piece: ByteRange }[] {
	const pieces: { chunk: Chunk; piece: ByteRange }[] = []
	let offset = 0
	for (const chunk of file.chunks) {
		const piece = { start: Math.max(start - offset, 0), end: Math.min(end - offset, chunk.size) }
		if (piece.start < piece.end) pieces.push({ chunk, piece })
		offset += chunk.size
	}
	return pieces
}

/**
 * The bytes of a part of a file. One chunk is in memory at a time, and none is read before it is wanted.
 * A chunk that is missing or damaged breaks the stream off: the client sees a body shorter than it was told.
 */
export function streamFile(catalog: Catalog, file: ModelFile, range: ByteRange): ReadableStream<Uint8Array> {
	const pieces = piecesOf(file, range)[Symbol.iterator]()
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				const { done, value } = pieces.next()
				if (done) return controller.close()
				const { chunk, piece } = value
				const bytes = await catalog.chunk(chunk.digest)
				if (!bytes) throw new SpillwayError('not-found', `chunk ${chunk.digest} is missing from the catalogue`)
				controller.enqueue(bytes.subarray(piece.start, piece.end))
			},
		},
		{ highWaterMark: 0 },
	)
}
