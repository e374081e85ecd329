// Where a page keeps what it has downloaded: one interface, a browser's storage or memory behind it, one contract suite.

import type { Versions } from './versions.ts'

/** Small structured values by key. */
export interface Records {
	get<T>(key: string): Promise<T | undefined>
	set(key: string, value: unknown): Promise<void>
	/** Sets what `change` makes of the value; nobody else writes in between, not even from another tab. */
	update<T>(key: string, change: (value: T | undefined) => T): Promise<void>
	delete(key: string): Promise<void>
}

/** `opfs`: the origin private file system. `cache`: Cache Storage. `memory`: lost with the worker. */
export type Kind = 'opfs' | 'cache' | 'memory'

/**
 * Immutable bytes by digest. What is read was once written whole, but is not to be trusted: it is verified again.
 * Errors are the browser's own: `QuotaExceededError` where there is no room.
 */
export interface Bytes {
	readonly kind: Kind
	/** Several may read, and one write, at a time, in several tabs. @returns a buffer of its own, which may be handed over. */
	get(digest: string): Promise<Uint8Array<ArrayBuffer> | undefined>
	/** All or nothing: what breaks off in the middle is not found later. */
	set(digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
	delete(digest: string): Promise<void>
	/** Digests of all that is there. */
	keys(): Promise<string[]>
}

/** What one kind of storage offers. */
export interface Backing {
	readonly records: Records
	readonly bytes: Bytes
}

/** What models are kept in. */
export interface Storage extends Backing {
	/** Which versions it holds, so that there is room for what is wanted. */
	readonly versions: Versions
}
