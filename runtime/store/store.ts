// Models from an address into this page: channel, manifest, chunks, each verified on arrival and again when read from storage.

import { digestOf } from '../../models/format/digest.ts'
import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { type Chunk, type Manifest, nameSchema } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { inTurn } from '../batch/in-turn.ts'
import { SpillwayError } from '../core/error.ts'
import { type ChannelOptions, type Channels, createChannels, type Pointer } from './channel.ts'
import { hasty, patient } from './fetch.ts'
import { obtain } from './immutable.ts'
import type { Storage } from './storage/storage.ts'

export interface StoreOptions extends Omit<ChannelOptions, 'records'> {
	storage: Storage
}

export interface ReadOptions {
	signal: AbortSignal
	/** Which of the version's files are needed; the others are not fetched. What it throws ends the reading. */
	files(manifest: Manifest): readonly string[] | Promise<readonly string[]>
	/**
	 * `patient`: retries. `hasty`: one short try, for when another version stands ready. `none`: storage alone is asked.
	 * Default: `patient`.
	 */
	network?: 'patient' | 'hasty' | 'none'
	/** Bytes verified, bytes needed, and how many of those verified came from storage. */
	onProgress?(loaded: number, total: number, stored: number): void
}

/** A version that is here and verified. */
export interface Version {
	manifest: Manifest
	/** The manifest's digest. */
	digest: string
	/** The files asked for, each in a buffer of its own. */
	files: Map<string, Uint8Array<ArrayBuffer>>
	bytes: { total: number; stored: number }
}

export interface Store extends Pick<Channels, 'resolve' | 'good'> {
	/** @throws SpillwayError `integrity`, `malformed`, `storage-full`, `not-found`, `aborted`, and those of `fetchBytes`. */
	read(model: string, pointer: Pointer, options: ReadOptions): Promise<Version>
	/** Remembers a version as the last good one, and deletes what only the one before needed. */
	commit(model: string, pointer: Pointer): Promise<void>
}

/** Chunks that are fetched at a time: HTTP/1.1 allows no more connections to an origin. */
const parallel = 6

/** @example const { candidates } = await store.resolve('minilm', undefined, signal) */
export function createStore({ base, trust, storage }: StoreOptions): Store {
	const channels = createChannels({ base, trust, records: storage.records })
	const { bytes } = storage

	async function readManifest(model: string, pointer: Pointer, options: ReadOptions): Promise<Manifest> {
		const { digest, version } = pointer
		const found = await obtain({
			...reading(options, manifestPath(digest)),
			what: `the manifest of ${model} ${version}`,
			digest,
			storage: bytes,
		})
		const manifest = parseManifest(found.bytes)
		if (manifest.model !== model || manifest.version !== version)
			throw new SpillwayError(
				'malformed',
				`manifest ${digest} is that of ${manifest.model} ${manifest.version}, not of ${model} ${version}`,
			)
		return manifest
	}

	/** Where on the network, and how patiently. */
	const reading = ({ signal, network = 'patient' }: ReadOptions, path: string) => ({
		signal,
		url: network === 'none' ? null : new URL(path, base),
		patience: network === 'hasty' ? hasty : patient,
	})

	return {
		async resolve(model, version, signal) {
			if (!nameSchema.safeParse(model).success) throw new SpillwayError('invalid-input', `${JSON.stringify(model)} is no name of a model`)
			return channels.resolve(model, version, signal)
		},
		good: channels.good,
		async read(model, pointer, options) {
			const manifest = await readManifest(model, pointer, options)
			const names = [...new Set(await options.files(manifest))]
			const total = names.reduce((sum, name) => sum + (manifest.files[name]?.size ?? 0), 0)
			const progress = { loaded: 0, stored: 0 }
			options.onProgress?.(0, total, 0)
			const files = new Map(names.map((name) => [name, allocate(manifest, name)]))
			await inTurn(pieces(manifest, names), parallel, options.signal, async ({ chunk, what, places }, signal) => {
				const found = await obtain({ ...reading({ ...options, signal }, chunkPath(chunk.digest)), ...chunk, what, storage: bytes })
				for (const { name, offset } of places) {
					files.get(name)?.set(found.bytes, offset)
					progress.loaded += chunk.size
					if (found.stored) progress.stored += chunk.size
				}
				options.onProgress?.(progress.loaded, total, progress.stored)
			})
			return { manifest, digest: pointer.digest, files, bytes: { total, stored: progress.stored } }
		},
		async commit(model, pointer) {
			const before = await channels.commit(model, pointer)
			if (before) await sweep(before)
		},
	}

	/** Deletes the chunks of a version that no kept version of any model shares. */
	async function sweep(old: Pointer): Promise<void> {
		const kept = new Set<string>()
		for (const pointer of await channels.kept()) for (const digest of await digestsOf(pointer)) kept.add(digest)
		for (const digest of await digestsOf(old)) if (!kept.has(digest)) await bytes.delete(digest)
	}

	/** The manifest's own digest and those of its chunks, as far as the manifest is stored. */
	async function digestsOf({ digest }: Pointer): Promise<string[]> {
		const stored = await bytes.get(digest)
		if (!stored || (await digestOf(stored)) !== digest) return []
		try {
			const chunks = Object.values(parseManifest(stored).files).flatMap((file) => file.chunks)
			return [digest, ...chunks.map((chunk) => chunk.digest)]
		} catch {
			// Written by another build of Spillway, with another schema.
			return [digest]
		}
	}
}

interface Piece {
	chunk: Chunk
	what: string
	/** The same bytes may stand in several places. */
	places: { name: string; offset: number }[]
}

/** Each chunk once, in order. */
function pieces(manifest: Manifest, names: readonly string[]): Iterable<Piece> {
	const found = new Map<string, Piece>()
	for (const name of names) {
		let offset = 0
		for (const [index, chunk] of (manifest.files[name]?.chunks ?? []).entries()) {
			const piece = found.get(chunk.digest) ?? { chunk, what: `chunk ${index} of ${name}`, places: [] }
			piece.places.push({ name, offset })
			found.set(chunk.digest, piece)
			offset += chunk.size
		}
	}
	return found.values()
}

function allocate(manifest: Manifest, name: string): Uint8Array<ArrayBuffer> {
	const file = manifest.files[name]
	if (!file) throw new SpillwayError('not-found', `${manifest.model} ${manifest.version} has no file ${JSON.stringify(name)}`)
	try {
		return new Uint8Array(file.size)
	} catch (cause) {
		throw new SpillwayError('out-of-memory', `there is no memory for the ${file.size} bytes of ${name}`, { cause })
	}
}
