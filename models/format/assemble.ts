// A whole file from its chunks, verified piece by piece.

import { SpillwayError } from '../../runtime/core/error.ts'
import { checkDigest } from './digest.ts'
import type { Chunk, Manifest } from './manifest.ts'

/**
 * Reads the chunks of a file, one after another, and joins them.
 *
 * @param manifest a parsed manifest.
 * @param name the file, e.g. `'weights.bin'`.
 * @param readChunk gives a chunk's bytes, from wherever they are kept; they need not be trusted.
 * @returns the file's bytes: they have the manifest's digest.
 * @throws SpillwayError `not-found` for a file that the manifest does not name, `integrity` for wrong bytes; what `readChunk` throws.
 * @example await assembleFile(manifest, 'weights.bin', ({ digest }) => readFile(join(folder, chunkPath(digest))))
 */
export async function assembleFile(
	manifest: Pick<Manifest, 'files' | 'model' | 'version'>,
	name: string,
	readChunk: (chunk: Chunk, index: number) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
	const file = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined
	if (!file) throw new SpillwayError('not-found', `${manifest.model} ${manifest.version} has no file ${JSON.stringify(name)}`)
	const whole = new Uint8Array(file.size)
	let offset = 0
	for (const [index, chunk] of file.chunks.entries()) {
		const bytes = await readChunk(chunk, index)
		await checkDigest(`chunk ${index} of ${name}`, bytes, chunk)
		whole.set(bytes, offset)
		offset += chunk.size
	}
	await checkDigest(name, whole, file)
	return whole
}
