// Several addresses of the same files: the next one is asked when one fails or lies, and that one is asked last from then on.

/** Where one file is. */
export interface Place {
	/** The address to be asked first at the head. */
	readonly urls: readonly URL[]
	/** One of them has failed, or given wrong bytes. */
	failed(url: URL): void
}

/** A file at one address. */
export const onlyAt = (url: URL): Place => ({ urls: [url], failed() {} })

export class Mirrors {
	/** The address that was named first: what is remembered goes by it. */
	readonly first: URL
	#bases: readonly URL[]

	/** @param bases addresses in order, at least one, each with a slash at its end. */
	constructor(bases: readonly URL[]) {
		const [first] = bases
		if (!first) throw new RangeError('no address')
		this.first = first
		this.#bases = bases
	}

	/** A file by its path under each address. */
	place(path: string): Place {
		const bases = this.#bases
		const urls = bases.map((base) => new URL(path, base))
		return {
			urls,
			failed: (url) => {
				const base = bases[urls.indexOf(url)]
				// Those that come after it have done no better yet, but are not known to be worse.
				if (base) this.#bases = [...this.#bases.filter((other) => other !== base), base]
			},
		}
	}
}
