// A contender that answers wrongly must not be measured: vectors beside those of sentence-transformers.

let loading: Promise<Map<string, number[]>> | undefined

async function load(): Promise<Map<string, number[]>> {
	const { items } = (await (await fetch('/reference.json')).json()) as { items: { text: string; vector: number[] }[] }
	return new Map(items.map(({ text, vector }) => [text, vector]))
}

/** @throws when one is missing, not of length 1, or further from the reference's, where there is one, than `cosine`. */
export async function checkVectors(texts: readonly string[], vectors: readonly Float32Array[], cosine: number): Promise<void> {
	loading ??= load()
	const reference = await loading
	if (vectors.length !== texts.length) throw new Error(`${texts.length} texts, ${vectors.length} vectors`)
	for (const [index, text] of texts.entries()) {
		const vector = vectors[index]
		const wrong = (what: string) => new Error(`the vector of ${JSON.stringify(text.slice(0, 60))} ${what}`)
		if (vector?.length !== 384) throw wrong(`has ${vector?.length} elements`)
		if (!(Math.abs(Math.hypot(...vector) - 1) < 1e-3)) throw wrong(`has the length ${Math.hypot(...vector)}`)
		const expected = reference.get(text)
		if (!expected) continue
		const found = expected.reduce((sum, value, i) => sum + value * (vector[i] as number), 0)
		if (!(found >= cosine)) throw wrong(`has a cosine of ${found.toFixed(4)} to the reference, ${cosine} is asked of it`)
	}
}
