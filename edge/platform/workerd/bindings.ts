// What the Worker is given by `wrangler.toml`. Written out here: the platform's own types replace those of Node and of pages.

/** Answers requests: the ASSETS binding, or a Durable Object. */
export interface Fetcher {
	fetch(url: string, init?: RequestInit): Promise<Response>
}

export interface ObjectNamespace {
	idFromName(name: string): unknown
	get(id: unknown): Fetcher
}

export interface Bindings {
	/** The built files: packed models, demo, script. */
	readonly ASSETS: Fetcher
	/** Durable Objects with a model each. */
	readonly MODEL: ObjectNamespace
	/** The one Durable Object with figures and quotas. */
	readonly STATE: ObjectNamespace
	/** Variables and secrets. */
	readonly [name: string]: unknown
}
