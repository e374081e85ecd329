// From a model's files to its manifest and chunks. Pure: the same source gives the same bytes on any machine.

import { canonicalBytes } from '../../format/canonical.ts'
import { cut } from '../../format/chunks.ts'
import { digestOf } from '../../format/digest.ts'
import type { Manifest, ModelFile } from '../../format/manifest.ts'
import { parseManifest } from '../../format/parse.ts'
import { externalTensors } from '../onnx/external.ts'
import type { Source } from './source.ts'

export interface Package {
	readonly manifest: Manifest
	/** The manifest as it is stored and named. */
	readonly manifestBytes: Uint8Array
	readonly digest: string
	/** Bytes by their digest. */
	readonly chunks: ReadonlyMap<string, Uint8Array>
}

/** Cuts the files and describes them. */
export async function build({ description, files }: Source): Promise<Package> {
	const chunks = new Map<string, Uint8Array>()
	const described: Record<string, ModelFile> = {}
	const starts = tensorStarts({ description, files })
	for (const [name, bytes] of files) {
		const file: ModelFile = { size: bytes.byteLength, digest: await digestOf(bytes), chunks: [] }
		for (const { start, end } of cut(bytes.byteLength, starts.get(name))) {
			const piece = bytes.subarray(start, end)
			const digest = await digestOf(piece)
			chunks.set(digest, piece)
			file.chunks.push({ digest, size: piece.byteLength })
		}
		described[name] = file
	}
	const manifestBytes = canonicalBytes({ ...description, format: 'spillway-manifest/1', files: described })
	return { manifest: parseManifest(manifestBytes), manifestBytes, digest: await digestOf(manifestBytes), chunks }
}

/** Offsets of tensors by external file, over all graphs that keep tensors there. */
function tensorStarts({ description, files }: Source): Map<string, number[]> {
	const starts = new Map<string, number[]>()
	for (const { graphs } of Object.values(description.variants))
		for (const graph of Object.values(graphs))
			for (const { location, offset } of externalTensors(files.get(graph.file) as Uint8Array))
				starts.set(location, [...(starts.get(location) ?? []), offset])
	return starts
}
