// What is stored for which version of which model: plain data, and what follows from it.

/** What is known of one version. */
export interface Entry {
	model: string
	version: string
	/** Digests and sizes of what is wanted in storage of it: its manifest (0 bytes until that is known) and chunks. */
	pieces: Record<string, number>
	/** Bytes that are needed beside those, but had no room. */
	without: number
	/** When it was last wanted, in milliseconds since 1970. */
	used: number
	/** All pieces were there at the end of a load: what is missing later was deleted by the browser. */
	whole: boolean
}

export interface Ledger {
	/** By digest of the manifest. */
	versions: Record<string, Entry>
	/** What is stored beside models: its digest by its name. */
	files: Record<string, string>
}

/** A version that is wanted. */
export interface Wanted {
	model: string
	version: string
	/** Of the manifest. */
	digest: string
}

export interface Piece {
	digest: string
	size: number
}

export const emptyLedger: Ledger = { versions: {}, files: {} }

/** The ledger with a version that is wanted now, and these pieces of it beside those that were wanted before. */
export function withVersion(
	{ versions, files }: Ledger,
	{ digest, model, version }: Wanted,
	pieces: readonly Piece[],
	now: number,
): Ledger {
	const before = versions[digest]
	const all = { [digest]: 0, ...before?.pieces, ...Object.fromEntries(pieces.map(({ digest, size }) => [digest, size])) }
	// What had no room is found out anew only when pieces are named.
	const without = pieces.length > 0 ? 0 : (before?.without ?? 0)
	const entry = { model, version, pieces: all, without, used: now, whole: before?.whole ?? false }
	return { files, versions: { ...versions, [digest]: entry } }
}

/** The ledger without a version. */
export function withoutVersion(ledger: Ledger, digest: string): Ledger {
	const { [digest]: _, ...versions } = ledger.versions
	return { files: ledger.files, versions }
}

/** Digests of all that is wanted in storage. */
export const wantedIn = ({ versions, files }: Ledger): Set<string> =>
	new Set([...Object.values(files), ...Object.values(versions).flatMap(({ pieces }) => Object.keys(pieces))])

/** Digests of what only this version wants. */
export function ownOf(ledger: Ledger, digest: string): string[] {
	const others = wantedIn(withoutVersion(ledger, digest))
	return Object.keys(ledger.versions[digest]?.pieces ?? {}).filter((piece) => !others.has(piece))
}

/** Bytes that all versions take when they are stored whole; what several have in common counts once. */
export function bytesOf({ versions }: Ledger): number {
	const sizes = new Map(Object.values(versions).flatMap(({ pieces }) => Object.entries(pieces)))
	return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

/** The other versions, least recently used first. */
export const othersThan = ({ versions }: Ledger, digest: string): string[] =>
	Object.entries(versions)
		.filter(([other]) => other !== digest)
		.sort(([, a], [, b]) => a.used - b.used)
		.map(([other]) => other)

/** As much of a version as fits beside the others; what does not is in `over`. */
export function cutTo(most: number, ledger: Ledger, digest: string): { ledger: Ledger; over: Piece[] } {
	const entry = ledger.versions[digest]
	if (!entry) return { ledger, over: [] }
	const rest = withoutVersion(ledger, digest)
	const shared = wantedIn(rest)
	let sum = bytesOf(rest)
	const over: Piece[] = []
	const pieces: Record<string, number> = {}
	for (const [digest, size] of Object.entries(entry.pieces)) {
		const more = shared.has(digest) ? 0 : size
		if (sum + more > most) over.push({ digest, size })
		else {
			pieces[digest] = size
			sum += more
		}
	}
	const without = over.reduce((sum, { size }) => sum + size, 0)
	return { over, ledger: { ...rest, versions: { ...rest.versions, [digest]: { ...entry, pieces, without } } } }
}
