// Where a page keeps what it has downloaded: one interface, a browser's storage or memory behind it, one contract suite.

/** Small structured values by key. */
export interface Records {
	get<T>(key: string): Promise<T | undefined>
	set(key: string, value: unknown): Promise<void>
	/** Sets what `change` makes of the value; nobody else writes in between, not even from another tab. */
	update<T>(key: string, change: (value: T | undefined) => T): Promise<void>
	delete(key: string): Promise<void>
}

/** Immutable bytes by digest. What is read was once written whole, but is not to be trusted: it is verified again. */
export interface Bytes {
	get(digest: string): Promise<Uint8Array<ArrayBuffer> | undefined>
	set(digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
	delete(digest: string): Promise<void>
}

export interface Storage {
	readonly records: Records
	readonly bytes: Bytes
}
