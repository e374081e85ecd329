// Where packed models are published to: a folder, or a bucket.

import { immutable, revalidate } from '../../catalog/respond.ts'

/** How a file is to be served by whoever hands the place out as it is. */
export interface Kind {
	/** `Content-Type`. */
	readonly type: string
	/** `Cache-Control`. */
	readonly cache: string
}

export const kinds = {
	channel: { type: 'application/jose', cache: revalidate },
	manifest: { type: 'application/json', cache: immutable },
	bytes: { type: 'application/octet-stream', cache: immutable },
} as const satisfies Record<string, Kind>

export interface Content {
	/** In the layout. */
	readonly path: string
	readonly bytes: Uint8Array<ArrayBuffer>
	readonly kind: Kind
}

export interface Stored {
	readonly bytes: Uint8Array<ArrayBuffer>
	/** Names these very bytes to {@link Target.swap}. */
	readonly tag: string
}

/** Everything throws SpillwayError: `network`, `upstream`, `not-found` for a bucket that is not there. */
export interface Target {
	/** For people. */
	readonly where: string
	read(path: string): Promise<Stored | null>
	/** Whether exactly these bytes are there. */
	holds(content: Content): Promise<boolean>
	/** Puts a file there, whole or not at all. */
	write(content: Content): Promise<void>
	/**
	 * Replaces a file that others may be replacing, too.
	 *
	 * @param tag of what is there; `null`: nothing is.
	 * @returns `false`, and changes nothing, when something else is there.
	 */
	swap(content: Content, tag: string | null): Promise<boolean>
	/**
	 * Whether `swap` really keeps two publishers apart here: there are services that take a condition and do not hold it.
	 *
	 * @param content something immutable that is there: it may be written once more.
	 */
	holdsConditions(content: Content): Promise<boolean>
}
