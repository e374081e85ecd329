// How long texts will take, from what was measured: the same rule in the page and in the engine.

/** A device's speed with a model that reads texts. */
export interface Pace {
	/** Milliseconds of a run besides its tokens. */
	fixed: number
	/** Milliseconds for each token. */
	perToken: number
	/** Characters that make a token, on average. */
	charactersPerToken: number
	/** Texts are cut to this many tokens. */
	maxTokens: number
	/** Texts of a call that share a run. */
	rows: number
	/** Runs at a time. */
	width: number
}

/** Tokens that a text is likely to make, special tokens included. */
export const likelyTokens = (text: string, pace: Pick<Pace, 'charactersPerToken' | 'maxTokens'>): number =>
	Math.min(pace.maxTokens, 2 + Math.ceil(text.length / pace.charactersPerToken))

/** Milliseconds that the texts are likely to take. */
export function likelyTime(texts: readonly string[], pace: Pace): number {
	const tokens = texts.reduce((sum, text) => sum + likelyTokens(text, pace), 0)
	const runs = Math.ceil(texts.length / pace.rows)
	return (pace.fixed * runs + pace.perToken * tokens) / (Math.min(runs, pace.width) || 1)
}
