// Which texts share a run: near-equal lengths, for padding costs more than a batch gains.

/** A tokenized text and its place in the call. */
export interface Encoded {
	readonly index: number
	readonly ids: readonly number[]
}

/** What one more run costs, in tokens: MiniLM in WebAssembly takes 2.5 ms for a run besides 0.55 ms for each token. */
const runCost = 4

/**
 * A text joins the group before it when the padding that this asks for costs no more than a run of its own.
 *
 * @param limits most rows, and most tokens with padding, of a group; a text of more tokens is a group of its own.
 * @returns all texts, shortest first.
 */
export function groups(texts: readonly Encoded[], limits: { rows: number; tokens: number }): Encoded[][] {
	const made: Encoded[][] = []
	let open: Encoded[] = []
	let longest = 0
	for (const text of [...texts].sort((a, b) => a.ids.length - b.ids.length)) {
		const { length } = text.ids
		const fits = open.length < limits.rows && (open.length + 1) * length <= limits.tokens && open.length * (length - longest) <= runCost
		if (!fits && open.length > 0) {
			made.push(open)
			open = []
		}
		open.push(text)
		longest = length
	}
	if (open.length > 0) made.push(open)
	return made
}
