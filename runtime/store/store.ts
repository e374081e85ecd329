// Models from an address into this page: channel, manifest, chunks, each verified on arrival and again when read from storage.

import { chunkPath, manifestPath } from '../../models/format/layout.ts'
import { type Chunk, type Manifest, nameSchema } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { inTurn } from '../batch/in-turn.ts'
import { SpillwayError } from '../core/error.ts'
import { type ChannelOptions, type Channels, createChannels } from './channel.ts'
import { download, findStored } from './immutable.ts'
import type { Pointer } from './known.ts'
import { TimeLeft } from './left.ts'
import { Failures, hasty, type Patience, persistent } from './patience.ts'
import type { Wanted } from './storage/ledger.ts'
import type { Storage } from './storage/storage.ts'
import type { Versions } from './storage/versions.ts'

export interface StoreOptions extends Omit<ChannelOptions, 'records'> {
	storage: Storage
	/** With which versions are downloaded. Default: `persistent`. */
	patience?: Patience
}

/** How far the reading of a version has come, in bytes of its files. */
export interface Read {
	/** Verified. */
	loaded: number
	/** Needed. */
	total: number
	/** Those of `loaded` that came from storage. */
	stored: number
	/** Milliseconds that the others will take; null while it cannot be known. */
	left: number | null
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
	/** The version was read before, and serves: should it have been deleted since, on request, it is not written down as wanted anew. */
	again?: boolean
	/** Asked before anything but the manifest is downloaded. What it throws ends the reading. @param bytes that storage lacks. */
	permit?(bytes: number): void
	/** The bytes are only brought into storage: `files` stays empty, and what has no room there ends the reading. Default: false. */
	discard?: boolean
	onProgress?(progress: Read): void
	/** Told of each file once all of it is here. What it throws ends the reading. */
	onFile?(name: string, bytes: Uint8Array<ArrayBuffer>): void
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

export interface Store extends Pick<Channels, 'resolve' | 'latest' | 'good' | 'arrived' | 'kept' | 'forget'> {
	/** @throws SpillwayError `integrity`, `malformed`, `storage-full`, `not-found`, `aborted`, and those of `fetchBytes`. */
	read(model: string, pointer: Pointer, options: ReadOptions): Promise<Version>
	/** Remembers a version as the last good one for who asks in this way, and deletes what only the one before needed. */
	commit(model: string, asked: string | undefined, pointer: Pointer): Promise<void>
}

/** Chunks that are under way at a time: so many are lost at most when all breaks off. */
const parallel = 4
/** Chunks that are read from storage at a time. */
const readers = 6

/** @example const { candidates } = await store.resolve('minilm', undefined, signal) */
export function createStore({ mirrors, trust, storage, patience = persistent }: StoreOptions): Store {
	const channels = createChannels({ mirrors, trust, records: storage.records })
	const { bytes, versions } = storage
	/** What was read of versions, by digest; of chunks, too. */
	const seen = new Map<string, { wanted: Wanted; chunks: Map<string, Chunk> }>()
	const refusedOf = (digest: string) => [...(seen.get(digest)?.chunks.values() ?? [])].filter((chunk) => versions.refuses(chunk.digest))

	async function readManifest({ model, version, digest }: Wanted, held: Promise<void>, options: ReadOptions): Promise<Manifest> {
		const wanted = { ...reading(options, manifestPath(digest)), what: `the manifest of ${model} ${version}`, digest }
		let found = await findStored(wanted)
		// Before it is stored: another tab deletes what nobody has said to want.
		if (found || wanted.from) await held
		found ??= (await download(wanted)).bytes
		const manifest = parseManifest(found)
		if (manifest.model !== model || manifest.version !== version)
			throw new SpillwayError(
				'malformed',
				`manifest ${digest} is that of ${manifest.model} ${manifest.version}, not of ${model} ${version}`,
			)
		return manifest
	}

	/** What had no room beside the version before is in memory alone: now there may be some. */
	async function storeRest(digest: string): Promise<void> {
		const { wanted } = seen.get(digest) ?? {}
		const rest = refusedOf(digest)
		if (!wanted || rest.length === 0) return
		await versions.hold(wanted, rest)
		for (const chunk of rest) {
			const found = await bytes.get(chunk.digest)
			if (found) await bytes.set(chunk.digest, found)
		}
	}

	/** Where on the network, and how patiently. */
	const reading = ({ signal, network = 'patient' }: ReadOptions, path: string) => ({
		signal,
		from: network === 'none' ? null : mirrors.place(path),
		patience: network === 'hasty' ? hasty : patience,
		storage: bytes,
	})

	return {
		async resolve(model, version, signal) {
			if (!nameSchema.safeParse(model).success) throw new SpillwayError('invalid-input', `${JSON.stringify(model)} is no name of a model`)
			return channels.resolve(model, version, signal)
		},
		latest: channels.latest,
		async arrived(model, asked, pointer) {
			if (refusedOf(pointer.digest).length === 0) await channels.arrived(model, asked, pointer)
		},
		kept: channels.kept,
		forget: channels.forget,
		async good(model, asked, digest) {
			const pointer = await channels.good(model, asked, digest)
			if (digest === undefined || pointer?.digest === digest) return pointer
			// Another tab has gone on to another version since; the digest speaks for itself.
			const stored = await findStored({ digest, what: `the manifest of ${model}`, storage: bytes })
			try {
				const manifest = stored && parseManifest(stored)
				return manifest?.model === model ? { digest, version: manifest.version, serial: 0 } : pointer
			} catch {
				// Written by another build of Spillway, with another schema.
				return pointer
			}
		},
		async read(model, pointer, options) {
			const wanted = { model, version: pointer.version, digest: pointer.digest }
			const hold: Versions['hold'] = options.again ? async () => {} : versions.hold
			const manifest = await readManifest(wanted, hold(wanted), options)
			const names = [...new Set(await options.files(manifest))]
			const total = names.reduce((sum, name) => sum + (manifest.files[name]?.size ?? 0), 0)
			const progress = { loaded: 0, total, stored: 0 }
			const tell = () => options.onProgress?.({ ...progress, left: left.of(total - progress.loaded) })
			const left = new TimeLeft(tell)
			tell()
			const files = new Map(options.discard ? [] : names.map((name) => [name, allocate(manifest, name)]))
			/** Bytes of each file that are not here yet. */
			const open = new Map(Array.from(files, ([name, { byteLength }]) => [name, byteLength]))
			const put = ({ chunk, places }: Piece, found: Uint8Array, stored: boolean) => {
				for (const { name, offset } of places) {
					const file = files.get(name)
					file?.set(found, offset)
					open.set(name, (open.get(name) ?? 0) - chunk.size)
					if (file && open.get(name) === 0) options.onFile?.(name, file)
					progress.loaded += chunk.size
					if (stored) progress.stored += chunk.size
				}
				tell()
			}
			const missing: Piece[] = []
			await inTurn(pieces(manifest, names), readers, options.signal, async (piece) => {
				const found = await findStored({ ...piece.chunk, what: piece.what, storage: bytes })
				if (found) put(piece, found, true)
				else missing.push(piece)
			})
			if (missing.length > 0) options.permit?.(missing.reduce((sum, { chunk }) => sum + chunk.size, 0))
			const chunks = Array.from(pieces(manifest, names), ({ chunk }) => chunk)
			const { chunks: before = [] } = seen.get(pointer.digest) ?? {}
			seen.set(pointer.digest, { wanted, chunks: new Map([...before, ...chunks.map((chunk) => [chunk.digest, chunk] as const)]) })
			// Room is made before the first byte comes; a version that is there is only written down.
			const held = hold(wanted, chunks)
			if (missing.length > 0) await held
			const checkRoom = ({ chunk: { digest } }: Piece) => {
				if (options.discard && versions.refuses(digest))
					throw new SpillwayError('storage-full', `there is no room in storage for ${model} ${pointer.version} beside what is in use`)
			}
			for (const piece of missing) checkRoom(piece)
			const failures = new Failures(options.network === 'hasty' ? hasty : patience)
			await inTurn(missing, parallel, options.signal, async (piece, signal) => {
				const { chunk, what } = piece
				const found = await download({ ...reading({ ...options, signal }, chunkPath(chunk.digest)), ...chunk, what, failures, left })
				checkRoom(piece)
				put(piece, found.bytes, found.stored)
			})
			return { manifest, digest: pointer.digest, files, bytes: { total, stored: progress.stored } }
		},
		async commit(model, asked, pointer) {
			const before = await channels.commit(model, asked, pointer)
			if (before) versions.release(before.digest)
			const swept = versions.sweep(await channels.kept())
			// Else there is hardly anything to delete.
			if (!before) return
			await swept
			await storeRest(pointer.digest)
		},
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
