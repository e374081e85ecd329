// Several runs for one call: a few under way at a time, so that other calls get their turn, and none goes on when one has failed.

import { aborted } from '../core/deadline.ts'

/**
 * Runs `work` for each piece, at most `width` at a time, in order. After the first failure, or an abort, no further piece is begun and
 * those under way are told by their signal.
 *
 * @param pieces drawn when their turn comes: they may be made lazily, and take their time.
 * @returns the results in the order of the pieces.
 */
export async function inTurn<P, R>(
	pieces: Iterable<P> | AsyncIterable<P>,
	width: number,
	signal: AbortSignal,
	work: (piece: P, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
	const failed = new AbortController()
	const both = AbortSignal.any([signal, failed.signal])
	const results: R[] = []
	const remaining = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
	let next = 0
	const follow = async () => {
		for (let piece = await remaining.next(); !piece.done; piece = await remaining.next()) {
			const index = next++
			if (both.aborted) throw aborted(both)
			results[index] = await work(piece.value, both)
			if (both.aborted) throw aborted(both)
		}
	}
	try {
		await Promise.all(Array.from({ length: width }, follow))
	} catch (error) {
		failed.abort(error)
		throw error
	}
	return results
}
