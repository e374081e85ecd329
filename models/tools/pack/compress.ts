// The compressed form of what is packed: a host with `chunks/<digest>.br` beside `chunks/<digest>` sends it to whoever accepts brotli.

import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'

const brotli = promisify(brotliCompress)
const unbrotli = promisify(brotliDecompress)

/** Less is not worth a second file, and the time that a page takes to unpack it. */
const leastSaving = 0.03

/** What shrinks to less than this with little effort is text or a graph, not weights: there more effort pays. */
const text = 0.6

/**
 * Brotli's form of `bytes`, or `null` where it saves less than 3 %.
 *
 * Weights get a quality of 5, which takes a hundredth of a second for each megabyte; 11 takes 2 s and makes them 0.3 % smaller (MiniLM's). What shrinks to
 * less than 60 % gets 11. The digest that names `bytes` stays that of the bytes as they are.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7932
 * @example await compressed(tokenizerJson) // 148 KB of 466
 */
export async function compressed(bytes: Uint8Array): Promise<Uint8Array | null> {
	const quick = await encode(bytes, 5)
	const best = quick.byteLength < text * bytes.byteLength ? await encode(bytes, 11) : quick
	return best.byteLength <= (1 - leastSaving) * bytes.byteLength ? best : null
}

const encode = (bytes: Uint8Array, quality: number): Promise<Uint8Array> =>
	brotli(bytes, {
		params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength },
	})

/**
 * What a compressed form stands for.
 *
 * @param size bytes that it must not exceed.
 * @throws Error for what is no brotli, or longer.
 */
export const decompressed = (bytes: Uint8Array, size: number): Promise<Uint8Array> => unbrotli(bytes, { maxOutputLength: size })
