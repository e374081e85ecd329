// Which of several versions answers a call: by weight, at random or the same for all that have something in common.

/** What is known of who asks. */
export interface Asker {
	/** Id of the key. */
	readonly key?: string | undefined
	/** Id of the trace that the caller said. */
	readonly trace?: string | undefined
	/** The vector space that the answer must be in. */
	readonly space?: string | undefined
}

export interface Weighted {
	/** The same for the same version, whatever else changes. */
	readonly id: string
	readonly weight: number
}

/**
 * Chooses one by weight. The same `value` chooses the same one as long as the weights stay; where a weight grows, some change to that one, and
 * none between the others (weighted rendezvous hashing).
 *
 * @param arms at least one with a weight above 0.
 * @param value what calls have in common. Default: nothing, each is chosen for at random.
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing#Weighted_variations
 */
export function choose<Arm extends Weighted>(arms: readonly Arm[], value?: string): Arm {
	let best = arms[0] as Arm
	let highest = -1
	for (const arm of arms) {
		if (arm.weight <= 0) continue
		const drawn = value === undefined ? Math.random() : fraction(`${value}\n${arm.id}`)
		// Of drawn ** (1 / weight) the logarithm, so that small weights do not all become 0; 0 itself is as good as the smallest fraction.
		const score = -arm.weight / Math.log(Math.max(drawn, 2 ** -53))
		if (score > highest) {
			best = arm
			highest = score
		}
	}
	return best
}

/** A text as a fraction from 0 up to 1, evenly: FNV-1a, mixed as MurmurHash3 ends. */
export function fraction(text: string): number {
	let hash = 0x811c9dc5
	for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
	return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
