// What must be at a place before a channel may name its versions there.

import type { Channel } from '../../../models/format/channel.ts'
import { checkDigest } from '../../../models/format/digest.ts'
import { chunkPath, compressedPath, manifestPath } from '../../../models/format/layout.ts'
import { parseManifest } from '../../../models/format/parse.ts'
import { decompressed } from '../../../models/tools/pack/compress.ts'
import type { Place } from '../../../models/tools/pack/place.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { namedBy } from './channel.ts'
import { type Content, type Kind, kinds, type Target } from './target.ts'

/** A chunk or a manifest. */
export interface Piece {
	/** It and, where the folder has it, its compressed form; both are what their name says. @throws SpillwayError `integrity`, `not-found`. */
	read(): Promise<Content[]>
}

/**
 * The pieces of all versions that the channel names and the folder has: chunks, then manifests. Others must be at the place already.
 *
 * @throws SpillwayError `not-found` for a version that is nowhere, `integrity` and `malformed` for a manifest that is damaged.
 */
export async function piecesOf(place: Place, target: Target, channel: Channel): Promise<{ stages: Piece[][]; manifest: Content }> {
	const chunks = new Map<string, Piece>()
	const manifests: { piece: Piece; plain: Content }[] = []
	for (const { version, manifest: digest } of namedBy(channel)) {
		const piece = pieceOf(place, manifestPath(digest), kinds.manifest, { digest })
		if (digest !== channel.manifest && !(await isThere(place, manifestPath(digest)))) {
			await expectThere(target, version, digest)
			continue
		}
		const [plain] = (await piece.read()) as [Content]
		const manifest = parseManifest(plain.bytes)
		if (manifest.model !== channel.model || manifest.version !== version)
			throw new SpillwayError(
				'integrity',
				`${plain.path} is ${manifest.model} ${manifest.version}, the channel says ${channel.model} ${version}`,
			)
		manifests.push({ piece, plain })
		for (const chunk of Object.values(manifest.files).flatMap((file) => file.chunks))
			chunks.set(chunk.digest, pieceOf(place, chunkPath(chunk.digest), kinds.bytes, chunk))
	}
	const [current] = manifests as [(typeof manifests)[number]]
	return { stages: [[...chunks.values()], manifests.map(({ piece }) => piece)], manifest: current.plain }
}

/** Whether the folder has it. @throws SpillwayError where that cannot be known. */
export const isThere = (place: Place, path: string): Promise<boolean> =>
	place.read(path).then(
		() => true,
		(error) => {
			if (error instanceof SpillwayError && error.code === 'not-found') return false
			throw error
		},
	)

const pieceOf = (place: Place, path: string, kind: Kind, expected: { digest: string; size?: number }): Piece => ({
	async read() {
		const bytes = owned(await place.read(path))
		await checkDigest(path, bytes, expected)
		const smaller = await place.compressed(path)
		if (!smaller) return [{ path, bytes, kind }]
		const plain = await decompressed(smaller, bytes.byteLength).catch(() => null)
		if (!plain || Buffer.compare(plain, bytes) !== 0)
			throw new SpillwayError('integrity', `${compressedPath(path)} is not the compressed form of ${path}; pack the model again`)
		return [
			{ path, bytes, kind },
			{ path: compressedPath(path), bytes: owned(smaller), kind: kinds.bytes },
		]
	},
})

async function expectThere(target: Target, version: string, digest: string): Promise<void> {
	const path = manifestPath(digest)
	const there = await target.read(path)
	if (!there)
		throw new SpillwayError(
			'not-found',
			`version ${version} is named by the channel, but ${path} is neither in the folder nor at ${target.where}`,
		)
	await checkDigest(`${target.where}: ${path}`, there.bytes, { digest })
}

/** Bytes read from files are never shared between threads. */
const owned = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>
