// Bytes named by their digest: from storage if they are there and right, else over HTTP, and into storage.

import { checkDigest } from '../../models/format/digest.ts'
import { aborted } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import { alone } from './alone.ts'
import { type FetchOptions, fetchFrom } from './fetch.ts'
import type { TimeLeft } from './left.ts'
import type { Place } from './mirrors.ts'
import { patient } from './patience.ts'
import type { Bytes } from './storage/storage.ts'

export interface Immutable extends Omit<FetchOptions, 'onBytes'> {
	digest: string
	storage: Bytes
	/** Where it is on the network; `null` when only storage may be asked. */
	from: Place | null
	/** Told of what comes over the network. */
	left?: TimeLeft | undefined
}

export interface Obtained {
	bytes: Uint8Array<ArrayBuffer>
	/** Whether it came from storage. */
	stored: boolean
}

/**
 * Bytes that have the digest. Stored ones that have not are deleted and fetched again.
 *
 * @throws SpillwayError `integrity` when no address has them; `not-found` when only storage was asked; those of `fetchFrom`.
 */
export async function obtain(wanted: Immutable): Promise<Obtained> {
	const bytes = await findStored(wanted)
	return bytes ? { bytes, stored: true } : download(wanted)
}

/** Bytes from storage, if they are there and right; wrong ones are deleted. */
export async function findStored(wanted: Pick<Immutable, 'digest' | 'size' | 'storage' | 'what'>): Promise<Obtained['bytes'] | undefined> {
	const { digest, storage } = wanted
	const bytes = await storage.get(digest)
	if (!bytes || (await isRight(wanted, bytes))) return bytes
	await storage.delete(digest)
	return undefined
}

/** Bytes that were not in storage: over the network, unless another tab is about to store them. */
export async function download(wanted: Immutable): Promise<Obtained> {
	const { digest, what, storage, from, signal, left, patience = patient } = wanted
	if (!from) throw new SpillwayError('not-found', `${what} is not in storage any more`)
	const fetched = async (): Promise<Obtained> => {
		let came = 0
		const onBytes = (count: number) => {
			came += count
			left?.came(count)
		}
		try {
			const bytes = await fetchFrom(from, { ...wanted, onBytes }, async ({ bytes, type }, url) => {
				await checkDigest(`${what} from ${url} (${type})`, bytes, wanted)
				return bytes
			})
			if (signal.aborted) throw aborted(signal)
			await storage.set(digest, bytes)
			return { bytes, stored: false }
		} finally {
			left?.settled(came)
		}
	}
	// Memory is no place to leave anything for another tab.
	if (storage.kind === 'memory') return fetched()
	const turn = async () => {
		const bytes = await findStored(wanted)
		return bytes ? { bytes, stored: true } : fetched()
	}
	// The other tab may be more patient: alive, but offline.
	return alone(`spillway chunk ${digest}`, signal, turn, { limit: patience.stall + patience.offline })
}

async function isRight(wanted: Pick<Immutable, 'digest' | 'size' | 'what'>, bytes: Uint8Array): Promise<boolean> {
	try {
		await checkDigest(wanted.what, bytes, wanted)
		return true
	} catch (error) {
		if (error instanceof SpillwayError && error.code === 'integrity') return false
		throw error
	}
}
