// What was measured of the runs: how long one takes, and how fast it was at best.

import type { Provenance } from '../core/call.ts'
import { PaceMeter, type RunPace } from '../session/pace.ts'

/** What a run costs besides its work, in units, as long as it was not measured: MiniLM in WebAssembly takes 2.5 ms beside 0.55 ms for each token. */
const guessedFixed = 4

/** Milliseconds for which a run counts among the latest, and how many of them are kept. */
const latest = 10_000
const kept = 16

/** "At best" leaves room for what is a little faster than anything measured. */
const optimism = 0.7
/** Fewer runs say nothing about the best: the first ones are slow. */
const fewest = 3
/** Sizes of runs must differ so many times before they tell what more work takes. */
const wide = 4

interface Latest {
	readonly at: number
	readonly run: number
	readonly units: number
	readonly full: number
}

export class Speed {
	#meter = new PaceMeter()
	#provider: string | null = null
	#latest: Latest[] = []

	/**
	 * @param units of the run, padding included.
	 * @param full units that it would have had with as many rows as it might have had. Default: `units`.
	 */
	add(units: number, { run, provider }: Provenance, full = units): void {
		if (run === null) return
		if (provider !== this.#provider) {
			// Another provider, another pace.
			this.#meter = new PaceMeter()
			this.#latest = []
			this.#provider = provider
		}
		this.#meter.add(units, run)
		this.#latest.push({ at: performance.now(), run, units, full })
		if (this.#latest.length > kept) this.#latest.shift()
	}

	/** `null` until something was measured. */
	get pace(): RunPace | null {
		return this.#meter.pace
	}

	/** What a run costs besides its work, in units. */
	get fixedUnits(): number {
		const { pace } = this
		if (!pace?.certain) return guessedFixed
		return pace.perUnit > 0 ? pace.fixed / pace.perUnit : Number.POSITIVE_INFINITY
	}

	/** Milliseconds for so much work in so many runs; 0 until something was measured. */
	expect(units: number, runs = 1): number {
		const { pace } = this
		return pace ? pace.perUnit * units + pace.fixed * runs : 0
	}

	/**
	 * Milliseconds for each unit at the very best, as none of the latest runs contradicts; 0 where too few were measured lately. A device that
	 * was slow once is thus tried again. Larger runs than there were may be faster: where it is not known how much, they are taken to last no longer.
	 */
	get atBest(): number {
		const now = performance.now()
		const runs = this.#latest.filter(({ at }) => now - at < latest)
		if (runs.length < fewest) return 0
		const seen = Math.min(...runs.map(({ run, units }) => run / units))
		const smallest = Math.min(...runs.map(({ units }) => units))
		const largest = runs.reduce((a, b) => (b.units > a.units ? b : a))
		const { pace } = this
		const told = pace?.certain && largest.units >= wide * smallest
		return optimism * Math.min(seen, told ? pace.perUnit : largest.run / largest.full)
	}
}
