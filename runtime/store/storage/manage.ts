// What applications may know and do about what is stored: `runtime.storage`.

import { digestOf } from '../../../models/format/digest.ts'
import { SpillwayError } from '../../core/error.ts'
import type { Kept } from '../known.ts'
import { bytesOf } from './ledger.ts'
import type { Kind } from './storage.ts'
import type { Versions } from './versions.ts'

/** A version of a model, as far as it is stored. */
export interface StoredVersion {
	model: string
	version: string
	/** Of the manifest. */
	digest: string
	/** Bytes that are stored of it; what it shares with others counts for each. */
	bytes: number
	/** All that was needed of it so far is stored. */
	complete: boolean
	/** When it was last loaded, in milliseconds since 1970. */
	used: number
	/** It serves those who ask for no version. */
	current: boolean
}

export interface StorageState {
	/** Where bytes are kept: the origin private file system, Cache Storage, or memory, which is lost with the page. */
	kind: Kind
	/** Bytes that models take. */
	models: number
	/** Bytes that all of this origin takes, and may take, as the browser tells it: a guess on the safe side; null when it does not tell. */
	usage: number | null
	quota: number | null
	/** The browser deletes nothing of it to make room. */
	persisted: boolean
}

/** What a check of all stored bytes has found. */
export interface Verified {
	/** Chunks and manifests that should be there. */
	chunks: number
	/** Had other bytes than they should; they were deleted, and the next load downloads them again. */
	wrong: number
	/** Were not there: not downloaded yet, or deleted by the browser. */
	missing: number
}

/** All methods reject with `internal` where the browser's storage fails. */
export interface StorageControl {
	/** All models that this origin has stored, whoever loaded them. */
	list(): Promise<StoredVersion[]>
	estimate(): Promise<StorageState>
	/**
	 * Deletes a model from storage. Where it is loaded, it goes on from memory; the next load downloads it again.
	 *
	 * @param version only this one. Default: all.
	 * @throws SpillwayError `invalid-input` without a name.
	 */
	delete(model: string, version?: string): Promise<void>
	/** Reads all that is stored and verifies it. Takes its time. @param model only this one. Default: all. */
	verify(model?: string): Promise<Verified>
}

export interface ManageOptions {
	versions: Versions
	/** Which versions may still be wanted. */
	kept(): Promise<Kept[]>
	/** Remembers a version as one that serves no longer. */
	forget(model: string, digest: string): Promise<void>
}

export function storageControl({ versions, kept, forget }: ManageOptions): StorageControl {
	const { stored: bytes } = versions
	return {
		async list() {
			const there = new Set(await bytes.keys())
			const current = new Set((await kept()).filter(({ current }) => current).map(({ digest }) => digest))
			return (await versions.entries()).map(([digest, { model, version, pieces, without, used }]) => {
				const all = Object.entries(pieces)
				const stored = all.filter(([piece]) => there.has(piece))
				return {
					model,
					version,
					digest,
					bytes: stored.reduce((sum, [, size]) => sum + size, 0),
					// Of a version whose manifest never came nothing else is known.
					complete: without === 0 && stored.length === all.length && all.length > 1,
					used,
					current: current.has(digest),
				}
			})
		},
		async estimate() {
			const there = new Set(await bytes.keys())
			const entries = await versions.entries()
			const stored = entries.map(([digest, entry]) => {
				const pieces = Object.fromEntries(Object.entries(entry.pieces).filter(([piece]) => there.has(piece)))
				return [digest, { ...entry, pieces }] as const
			})
			const { storage } = navigator
			const { usage = null, quota = null } = (await storage?.estimate()) ?? {}
			return {
				kind: bytes.kind,
				models: bytesOf({ versions: Object.fromEntries(stored), files: {} }),
				usage,
				quota,
				persisted: (await storage?.persisted()) ?? false,
			}
		},
		async delete(model, version) {
			if (typeof model !== 'string') throw new SpillwayError('invalid-input', 'storage.delete: name a model')
			for (const [digest, entry] of await versions.entries()) {
				if (entry.model !== model || (version !== undefined && entry.version !== version)) continue
				await forget(model, digest)
				await versions.remove(digest)
			}
		},
		async verify(model) {
			const entries = (await versions.entries()).filter(([, entry]) => model === undefined || entry.model === model)
			const pieces = new Set(entries.flatMap(([, { pieces }]) => Object.keys(pieces)))
			const found: Verified = { chunks: pieces.size, wrong: 0, missing: 0 }
			for (const digest of pieces) {
				const stored = await bytes.get(digest)
				if (!stored) found.missing++
				else if ((await digestOf(stored)) !== digest) {
					found.wrong++
					await bytes.delete(digest)
				}
			}
			return found
		},
	}
}
