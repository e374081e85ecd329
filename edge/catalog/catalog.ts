// What this edge distributes: packed models, read through the layout, every byte held against its digest.

import { type Channel, readChannel } from '../../models/format/channel.ts'
import { checkDigest } from '../../models/format/digest.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { compressedForms } from './compressed.ts'
import { type Files, readFile } from './files.ts'

/** A model's channel as it was packed: which manifest is current. */
export interface PackedChannel {
	readonly channel: Channel
	/** The compact serialization, signed by whoever packed it. */
	readonly jws: string
}

export interface StoredManifest {
	readonly manifest: Manifest
	readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * The models address, read. The first three answer `null` for what is not there, and throw `integrity` for what is there but damaged: an edge must not hand out, under an address that is cached for a year, bytes that are not those it names.
 */
export interface Catalog {
	/** The current channel. Read anew at most every `refresh` ms; while that does not succeed, the last one that did. */
	channel(model: string): Promise<PackedChannel | null>
	manifest(digest: string): Promise<StoredManifest | null>
	chunk(digest: string): Promise<Uint8Array<ArrayBuffer> | null>
	/** Brotli's form of the manifest or chunk at a path of the layout, where there is one that is right. */
	compressed(path: string, digest: string): Promise<Uint8Array<ArrayBuffer> | null>
}

export interface CatalogOptions {
	/** Milliseconds for which a channel that was read is believed. Default 5,000. */
	refresh?: number
	/** Milliseconds for which a request waits while a channel is read anew, before it goes on with the last one. Default 1,000. */
	patience?: number
	/** The time in milliseconds. Default: `Date.now`. */
	now?: () => number
}

/**
 * Reads a packed folder.
 *
 * Only settled values are kept between calls: on workerd a promise of one request must not be awaited by another (workerd issue 210).
 *
 * @param files the models address: `minilm/channel.jws`, `manifests/…`, `chunks/…`.
 * @example const catalog = createCatalog(folder('dist/packed'))
 */
export function createCatalog(files: Files, { refresh = 5000, patience = 1000, now = Date.now }: CatalogOptions = {}): Catalog {
	/** `read`: when the reading began. */
	const channels = new Map<string, { packed: PackedChannel; read: number }>()
	const manifests = new Map<string, StoredManifest>()
	const told = new Map<string, string>()

	async function read(model: string): Promise<PackedChannel | null> {
		const began = now()
		const bytes = await readFile(files, channelPath(model))
		const last = channels.get(model)
		// One that began later has been faster.
		if (last && last.read > began) return last.packed
		if (!bytes) {
			channels.delete(model)
			return null
		}
		const jws = new TextDecoder().decode(bytes).trim()
		const packed = last?.packed.jws === jws ? last.packed : { jws, channel: readable(() => readChannel(jws)) }
		channels.set(model, { packed, read: began })
		told.delete(model)
		return packed
	}

	/** Once, not at each try. */
	function tell(model: string, fault: string): void {
		if (told.get(model) !== fault) console.error(`${model}: its channel cannot be read anew, and the last one goes on: ${fault}`)
		told.set(model, fault)
	}

	return {
		async channel(model) {
			const kept = channels.get(model)
			if (!kept) return read(model)
			if (now() - kept.read < refresh) return kept.packed
			// Whoever is slow or away is asked again after `refresh`, not at each request.
			kept.read = now()
			const anew = read(model).catch((error) => {
				tell(model, messageOf(error))
				return kept.packed
			})
			return within(patience, anew, kept.packed)
		},

		async manifest(digest) {
			const kept = manifests.get(digest)
			if (kept) return kept
			const bytes = await readFile(files, manifestPath(digest))
			if (!bytes) return null
			await checkDigest(`manifest ${digest}`, bytes, { digest })
			const stored = { bytes, manifest: readable(() => parseManifest(bytes)) }
			manifests.set(digest, stored)
			return stored
		},

		async chunk(digest) {
			const bytes = await readFile(files, chunkPath(digest))
			if (bytes) await checkDigest(`chunk ${digest}`, bytes, { digest })
			return bytes
		},

		compressed: compressedForms(files),
	}
}

/** What comes of `work`, or `otherwise` when that takes longer than so many milliseconds. */
async function within<T>(patience: number, work: Promise<T>, otherwise: T): Promise<T> {
	let timer: ReturnType<typeof setTimeout> | undefined
	const late = new Promise<T>((resolve) => {
		timer = setTimeout(() => resolve(otherwise), patience)
	})
	try {
		return await Promise.race([work, late])
	} finally {
		clearTimeout(timer)
	}
}

/** What cannot be read here is this edge's fault, not that of the request. */
function readable<T>(read: () => T): T {
	try {
		return read()
	} catch (cause) {
		throw new SpillwayError('integrity', `the catalogue is damaged: ${messageOf(cause)}`, { cause })
	}
}
