// The name that a misspelt one was probably meant to be.

/** `; <words> "<name>"?` for the nearest of `names`, or nothing when none is near. */
export function nearest(given: string, names: readonly string[], words: string): string {
	const close = names
		.map((name) => ({ name, distance: distance(given.toLowerCase(), name.toLowerCase()) }))
		.filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 4)))
		.sort((a, b) => a.distance - b.distance)[0]
	return close ? `; ${words} "${close.name}"?` : ''
}

/** Levenshtein distance: letters to add, take away or change. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i)
	for (let i = 1; i <= a.length; i++) {
		const next = [i]
		for (let j = 1; j <= b.length; j++) {
			const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
			next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
		}
		row = next
	}
	return row[b.length] as number
}
