// How many calls an upstream is given at a time: as many as it answers without becoming slower, found by trying.

export interface AdaptiveLimitOptions {
	/** Calls at a time, at most. Default 1,000. */
	readonly most?: number | undefined
	/** Calls at a time before anything is known. Default: `most` where that is given, else 16. */
	readonly first?: number | undefined
}

export interface AdaptiveLimit {
	/** Calls at a time, at this moment; at least 1. */
	readonly now: number
	/**
	 * A call was answered.
	 * @param alike what tells calls of like size from others: only these are compared. Undefined for calls whose time says nothing.
	 * @param milliseconds that it took.
	 * @param inFlight calls under way with it, itself included.
	 * @param at now, by `performance.now()`.
	 */
	answered(alike: string | undefined, milliseconds: number, inFlight: number, at?: number): void
	/** The upstream said that it is given too much, or gave no answer for long. */
	overloaded(): void
}

/** So many times as long as usual is too slow: queues grow there. */
const tolerance = 3

/** Milliseconds that count as usual where less is: so short a time is that of this process as much as of the upstream. */
const quick = 5

/** Answers that are looked at together, and milliseconds that they span at least: single ones say little. */
const fewest = 10
const shortest = 50

/** Answers that what is usual is the average of. */
const averaged = 10

/** Share of the limit up to which an upstream has little to do. */
const little = 1 / 4

/** Milliseconds without such a time, after which there is one, and milliseconds that it lasts at most. */
const calmEvery = 5_000
const calmFor = 500

/** Kinds of calls that are remembered. */
const mostKinds = 512

/**
 * Additive increase, multiplicative decrease, and by half at a time until it is too much for the first time: the limit grows while calls that come up to it are answered about as fast as usual, and
 * shrinks when they take three times as long, or the upstream refuses them for what it has to do. What is usual is measured while the
 * upstream has little to do; where that never is, it is given little for a moment every few seconds, unless it is quick all the same.
 */
export function adaptiveLimit({ most, first = most ?? 16 }: AdaptiveLimitOptions = {}): AdaptiveLimit {
	const highest = most ?? 1_000
	let limit = Math.min(first, highest)
	const usual = new Map<string, { milliseconds: number; count: number }>()
	let window = { since: performance.now(), count: 0, slowness: 0, peak: 0 }
	/** When it was too much the last time. */
	let shrunk = Number.NEGATIVE_INFINITY
	/** When it last had little to do. Soon after the start, for then nothing is known. */
	let calmAt = performance.now() - calmEvery + calmFor
	/** A time with little to do that was made: its end, and the answers in it so far. */
	let calm: { until: number; answers: number } | undefined

	const calmLimit = () => Math.max(1, Math.floor(limit * little))

	/** How many times as long as usual it took. */
	function slowness(alike: string, milliseconds: number, isCalm: boolean): number {
		const known = usual.get(alike)
		if (!known) {
			const [oldest] = usual.keys()
			if (usual.size >= mostKinds && oldest !== undefined) usual.delete(oldest)
			usual.set(alike, { milliseconds, count: 1 })
			return 1
		}
		const before = known.milliseconds
		if (isCalm || known.count < averaged) known.milliseconds += (milliseconds - before) / Math.min(++known.count, averaged)
		return milliseconds / Math.max(before, quick)
	}

	function noteCalm(at: number) {
		calmAt = at
		if (calm && ++calm.answers >= fewest) calm = undefined
	}

	const step = () => (shrunk > 0 ? Math.max(1, Math.sqrt(limit) / 2) : limit / 2)

	function shrink(share: number, at: number) {
		if (at - shrunk < shortest) return
		shrunk = at
		limit = Math.max(1, limit * share)
	}

	return {
		get now() {
			if (calm && performance.now() > calm.until) {
				calm = undefined
				calmAt = performance.now()
			}
			return calm ? calmLimit() : Math.floor(limit)
		},
		answered(alike, milliseconds, inFlight, at = performance.now()) {
			const isCalm = inFlight <= calmLimit()
			window.count++
			window.slowness += alike === undefined ? 1 : slowness(alike, milliseconds, isCalm)
			window.peak = Math.max(window.peak, inFlight)
			if (isCalm) noteCalm(at)
			else if (!calm && alike !== undefined && milliseconds > tolerance * quick && at - calmAt > calmEvery)
				calm = { until: at + calmFor, answers: 0 }
			if (window.count < fewest || at - window.since < shortest) return
			// Where it was not made use of, nothing is known about it.
			if (window.slowness > tolerance * window.count) {
				if (window.peak >= limit / 2) shrink(0.9, at)
			} else if (window.peak >= 0.8 * Math.floor(limit)) limit = Math.min(highest, limit + step())
			window = { since: at, count: 0, slowness: 0, peak: 0 }
		},
		overloaded() {
			shrink(0.7, performance.now())
		},
	}
}
