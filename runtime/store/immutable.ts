// Bytes named by their digest: from storage if they are there and right, else over HTTP, and into storage.

import { checkDigest } from '../../models/format/digest.ts'
import { aborted } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { type FetchOptions, fetchBytes } from './fetch.ts'
import type { Bytes } from './storage/storage.ts'

export interface Immutable extends FetchOptions {
	digest: string
	/** Bytes that it must have, where known. */
	size?: number
	storage: Bytes
	/** Where it is on the network; `null` when only storage may be asked. */
	url: URL | null
}

export interface Obtained {
	bytes: Uint8Array<ArrayBuffer>
	/** Whether it came from storage. */
	stored: boolean
}

/**
 * Bytes that have the digest. Stored ones that have not are deleted and fetched again; fetched ones that have not are fetched once more, past all caches.
 *
 * @throws SpillwayError `integrity` when they are wrong twice; `not-found` when only storage was asked; those of `fetchBytes`.
 */
export async function obtain(wanted: Immutable): Promise<Obtained> {
	const { digest, what, storage, url, signal } = wanted
	const kept = await storage.get(digest)
	if (kept) {
		if (await isRight(wanted, kept)) return { bytes: kept, stored: true }
		await storage.delete(digest)
	}
	if (!url) throw new SpillwayError('not-found', `${what} is not in storage any more`)
	let fetched = await fetchBytes(url, wanted)
	if (!(await isRight(wanted, fetched.bytes))) {
		fetched = await fetchBytes(url, { ...wanted, cache: 'reload' })
		await checkDigest(`${what} from ${url} (${fetched.type}), fetched twice`, fetched.bytes, wanted)
	}
	if (signal.aborted) throw aborted(signal)
	await storage.set(digest, fetched.bytes)
	return { bytes: fetched.bytes, stored: false }
}

async function isRight(wanted: Immutable, bytes: Uint8Array): Promise<boolean> {
	try {
		await checkDigest(wanted.what, bytes, wanted)
		return true
	} catch (error) {
		if (error instanceof SpillwayError && error.code === 'integrity') return false
		throw error
	}
}
