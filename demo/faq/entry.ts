// What a help topic and its questions look like.

export interface Entry {
	/** Stable and unique over all topics: names the entry in the page's addresses and in its cache. */
	readonly id: string
	/** As a customer would ask it. */
	readonly question: string
	/** The same in other words. An entry's score is that of its nearest wording. */
	readonly also: readonly string[]
	readonly answer: string
}

export interface Topic {
	readonly id: string
	readonly name: string
	readonly entries: readonly Entry[]
}
