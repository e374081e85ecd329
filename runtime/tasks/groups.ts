// Which texts share a run: near-equal lengths, for padding costs more than a batch gains.

/** A tokenized text and its place in the call. */
export interface Encoded {
	readonly index: number
	readonly ids: readonly number[]
}

/** Padded tokens of a run may be more than the real ones by this share. */
const padding = 0.1

/**
 * @param limits most rows, and most tokens with padding, of a group; a text of more tokens is a group of its own.
 * @returns all texts, shortest first.
 */
export function groups(texts: readonly Encoded[], limits: { rows: number; tokens: number }): Encoded[][] {
	const made: Encoded[][] = []
	let open: Encoded[] = []
	let real = 0
	for (const text of [...texts].sort((a, b) => a.ids.length - b.ids.length)) {
		const whole = (open.length + 1) * text.ids.length
		const fits = open.length < limits.rows && whole <= limits.tokens && whole <= (real + text.ids.length) * (1 + padding)
		if (!fits && open.length > 0) {
			made.push(open)
			open = []
			real = 0
		}
		open.push(text)
		real += text.ids.length
	}
	if (open.length > 0) made.push(open)
	return made
}
