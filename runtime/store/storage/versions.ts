// Which versions are stored: so that what nobody needs is deleted, what is needed is not, and there is room for what is wanted next.

import { messageOf } from '../../core/error.ts'
import { inUseBy } from './in-use.ts'
import {
	bytesOf,
	cutTo,
	type Entry,
	emptyLedger,
	type Ledger,
	othersThan,
	ownOf,
	type Piece,
	type Wanted,
	wantedIn,
	withoutVersion,
	withVersion,
} from './ledger.ts'
import { isQuota } from './quota.ts'
import type { Backing, Bytes } from './storage.ts'

export interface Versions {
	/** What is stored, without what had no room and went on from memory. */
	readonly stored: Bytes
	/**
	 * Says that a version is wanted: until this thread ends, or releases it, nobody deletes it but on request. To be called before anything of it
	 * is stored, and again when more of it is known. Makes room, as far as that is needed: versions of which nobody has made use for longest go.
	 * Never rejects.
	 *
	 * @param pieces of it that are needed; those of earlier calls are, too.
	 */
	hold(version: Wanted, pieces?: readonly Piece[]): Promise<void>
	/** This thread uses the version no longer. */
	release(digest: string): void
	/**
	 * Says that a file beside models is wanted in storage. One that had this name before is deleted. Never rejects.
	 *
	 * @returns the digest that had this name before.
	 */
	keep(name: string, digest: string): Promise<string | undefined>
	/**
	 * Deletes what nobody wants: versions that others of the same model have replaced, and bytes of no version. Never rejects.
	 *
	 * @param kept versions that may still be wanted.
	 */
	sweep(kept: readonly { digest: string }[]): Promise<void>
	/** What is stored, by digest. */
	entries(): Promise<[digest: string, entry: Entry][]>
	/** Deletes what only this version needs, whoever uses it. */
	remove(digest: string): Promise<void>
	/** Whether a piece has no room, under the limit or in the browser. */
	refuses(digest: string): boolean
	/** The browser has not stored a piece: it is refused until `hold` names it again. */
	refuse(digest: string): void
	/**
	 * Does the work as often as it fails for want of room and something can be deleted instead.
	 *
	 * @param digest of what is to be stored.
	 * @throws what `work` throws.
	 */
	withRoom(digest: string, work: () => Promise<void>): Promise<void>
}

export interface VersionsOptions extends Backing {
	/** Most bytes that models may take. Default: what the browser gives. */
	most?: number | undefined
	/** Told what was deleted, and what went wrong. */
	note(text: string): void
	/** Of the browser's storage; none for storage that nobody shares. */
	locks?: LockManager | undefined
	/** What the browser says that there is. */
	estimate?: (() => Promise<StorageEstimate>) | undefined
}

/** Record with the ledger. */
const record = 'versions'
/** Milliseconds for which it need not be written down again that a version is used. */
const recently = 60_000

export function createVersions({ records, bytes, most, note, locks, estimate }: VersionsOptions): Versions {
	const inUse = inUseBy(locks)
	/** What this thread has written down: the pieces, and when. */
	const held = new Map<string, { pieces: Set<string>; time: number }>()
	const refused = new Set<string>()
	/** The ledger could not be written: bytes that it does not know may be wanted all the same. */
	let trouble = false

	const read = async (): Promise<Ledger> => (await records.get<Ledger>(record)) ?? emptyLedger
	async function change(make: (ledger: Ledger) => Ledger): Promise<Ledger> {
		let made = emptyLedger
		await records.update<Ledger>(record, (ledger = emptyLedger) => {
			made = make(ledger)
			return made
		})
		return made
	}
	const safely = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
		try {
			return await work()
		} catch (error) {
			trouble = true
			note(`what is stored cannot be written down: ${messageOf(error)}`)
			return undefined
		}
	}

	async function remove(digest: string): Promise<Ledger> {
		await Promise.all(ownOf(await read(), digest).map((piece) => bytes.delete(piece)))
		held.delete(digest)
		return change((ledger) => withoutVersion(ledger, digest))
	}

	/** Deletes the version that was used least recently. @returns undefined when none can go. */
	async function evict(ledger: Ledger, wanted: string): Promise<Ledger | undefined> {
		for (const digest of othersThan(ledger, wanted)) {
			const left = await inUse.unlessUsed(digest, () => remove(digest))
			if (!left) continue
			const { model, version } = ledger.versions[digest] as Entry
			note(`${model} ${version} was deleted from storage, to make room`)
			return left
		}
		return undefined
	}

	/** Makes room for a version that has just been written down. */
	async function makeRoom(made: Ledger, digest: string): Promise<void> {
		let ledger = made
		const there = new Set(await bytes.keys())
		const missing = Object.entries(ledger.versions[digest]?.pieces ?? {}).filter(([piece]) => !there.has(piece))
		if (ledger.versions[digest]?.whole && missing.length > 0) {
			note(`${missing.length} pieces of ${ledger.versions[digest]?.model} are not in storage any more; they are downloaded again`)
			ledger = await change(marked(digest, false))
		}
		let room = Number.POSITIVE_INFINITY
		if (missing.length > 0) {
			const { quota = Number.POSITIVE_INFINITY, usage = 0 } = (await estimate?.()) ?? {}
			room = quota - usage
		}
		const needed = missing.reduce((sum, [, size]) => sum + size, 0)
		const before = bytesOf(ledger)
		const isTight = () => (most !== undefined && bytesOf(ledger) > most) || needed > room + before - bytesOf(ledger)
		while (isTight()) {
			const left = await evict(ledger, digest)
			if (!left) break
			ledger = left
		}
		if (most === undefined || bytesOf(ledger) <= most) return
		let over: Piece[] = []
		await change((ledger) => {
			const cut = cutTo(most, ledger, digest)
			over = cut.over
			return cut.ledger
		})
		for (const piece of over) refused.add(piece.digest)
		note(`models may take ${most} bytes of storage; what does not fit goes on from memory`)
	}

	const marked = (digest: string, whole: boolean) => (ledger: Ledger) => {
		const entry = ledger.versions[digest]
		return entry ? { ...ledger, versions: { ...ledger.versions, [digest]: { ...entry, whole } } } : ledger
	}

	/** Deletes versions that others have replaced. */
	async function replaced(kept: readonly { digest: string }[]): Promise<Ledger> {
		let ledger = await read()
		const models = new Set(kept.map(({ digest }) => ledger.versions[digest]?.model))
		for (const [digest, { model }] of Object.entries(ledger.versions)) {
			if (!models.has(model) || kept.some((one) => one.digest === digest)) continue
			ledger = (await inUse.unlessUsed(digest, () => remove(digest))) ?? ledger
		}
		return ledger
	}

	return {
		stored: bytes,
		hold: (version, pieces = []) =>
			safely(async () => {
				const { digest } = version
				await inUse.claim(digest)
				const known = held.get(digest)
				if (
					known &&
					Date.now() - known.time < recently &&
					pieces.every((piece) => known.pieces.has(piece.digest) && !refused.has(piece.digest))
				)
					return
				held.set(digest, { pieces: new Set([...(known?.pieces ?? []), ...pieces.map((piece) => piece.digest)]), time: Date.now() })
				for (const piece of pieces) refused.delete(piece.digest)
				await inUse.alone(async () => {
					const ledger = await change((ledger) => withVersion(ledger, version, pieces, Date.now()))
					if (pieces.length > 0) await makeRoom(ledger, digest)
				})
			}),
		release(digest) {
			held.delete(digest)
			inUse.release(digest)
		},
		keep: (name, digest) =>
			safely(async () => {
				const before = (await read()).files[name]
				if (before === digest) return before
				await change((ledger) => ({ ...ledger, files: { ...ledger.files, [name]: digest } }))
				if (before !== undefined) await bytes.delete(before)
				return before
			}),
		sweep: (kept) =>
			safely(() =>
				inUse.alone(async () => {
					const ledger = await replaced(kept)
					const there = new Set(await bytes.keys())
					const wanted = wantedIn(ledger)
					for (const digest of there) if (!wanted.has(digest) && !trouble) await bytes.delete(digest)
					for (const [digest, { pieces, without, whole }] of Object.entries(ledger.versions)) {
						const isWhole = without === 0 && Object.keys(pieces).every((piece) => there.has(piece))
						if (held.has(digest) && isWhole !== whole) await change(marked(digest, isWhole))
					}
				}),
			),
		entries: async () => Object.entries((await read()).versions),
		remove: (digest) =>
			inUse.alone(async () => {
				await remove(digest)
			}),
		refuses: (digest) => refused.has(digest),
		refuse: (digest) => void refused.add(digest),
		withRoom: (piece, work) =>
			inUse.alone(async () => {
				let ledger = await read()
				const wanted = Object.keys(ledger.versions).find(
					(digest) => held.has(digest) && ledger.versions[digest]?.pieces[piece] !== undefined,
				)
				for (;;) {
					try {
						return await work()
					} catch (error) {
						const left = isQuota(error) ? await evict(ledger, wanted ?? '') : undefined
						if (!left) throw error
						ledger = left
					}
				}
			}),
	}
}
