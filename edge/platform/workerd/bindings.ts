// What the Worker is given by `wrangler.toml`. Written out here: the platform's own types replace those of Node and of pages.

/** Answers requests: the ASSETS binding, or a Durable Object. */
export interface Fetcher {
	fetch(url: string, init?: RequestInit): Promise<Response>
}

export interface ObjectNamespace {
	idFromName(name: string): unknown
	get(id: unknown): Fetcher
}

/** The part of an R2 bucket that is used. */
export interface R2Bucket {
	get(key: string): Promise<R2Object | null>
}

export interface R2Object {
	readonly size: number
	/** With its quotes. */
	readonly httpEtag: string
	readonly body: ReadableStream<Uint8Array>
}

export interface Bindings {
	/** The built files: packed models, demo, script. */
	readonly ASSETS: Fetcher
	/** Durable Objects with a model each. */
	readonly MODEL: ObjectNamespace
	/** The one Durable Object with figures and quotas. */
	readonly STATE: ObjectNamespace
	/** Packed models, where they are not among the assets. */
	readonly CATALOG?: R2Bucket
	/** Variables and secrets. */
	readonly [name: string]: unknown
}
