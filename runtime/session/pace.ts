// How long runs take on this device: a straight line through the measured ones, the latest counting most.

/** Share of its weight that a measurement keeps with each later one; the first ones keep less, for they are slow. */
const memory = 0.95
const kept = (count: number): number => Math.min(memory, (count + 1) / (count + 3))

/** Sizes of runs must spread at least so far (standard deviation by mean) before they tell `fixed` and `perUnit` apart. */
const leastSpread = 0.1

/** Time of a run as `fixed + perUnit * work`, in milliseconds. */
export interface RunPace {
	readonly fixed: number
	readonly perUnit: number
	/** False while runs of one size, or noise, do not tell the two apart: all is counted under `perUnit` then. */
	readonly certain: boolean
}

/** Fits the line so that relative errors count: a run of two tokens says as much as one of two thousand. */
export class PaceMeter {
	#count = 0
	#weight = 0
	#work = 0
	#workSquared = 0
	/** Sums of the fit, each measurement weighted by 1 / work². */
	#inverse = 0
	#inverseSquared = 0
	#rate = 0
	#rateInverse = 0

	/** @param work units of the run, e.g. rows times tokens. @param time milliseconds. */
	add(work: number, time: number): void {
		const share = kept(this.#count++)
		const keep = (sum: number, value: number) => sum * share + value
		this.#weight = keep(this.#weight, 1)
		this.#work = keep(this.#work, work)
		this.#workSquared = keep(this.#workSquared, work * work)
		this.#inverse = keep(this.#inverse, 1 / work)
		this.#inverseSquared = keep(this.#inverseSquared, 1 / (work * work))
		this.#rate = keep(this.#rate, time / work)
		this.#rateInverse = keep(this.#rateInverse, time / (work * work))
	}

	/** `null` until something was measured. Neither figure is ever negative. */
	get pace(): RunPace | null {
		if (this.#weight === 0) return null
		const mean = this.#work / this.#weight
		const variance = this.#workSquared / this.#weight - mean * mean
		const rate = this.#rate / this.#weight
		if (!(variance > (leastSpread * mean) ** 2)) return { fixed: 0, perUnit: rate, certain: false }
		// time / work = fixed * (1 / work) + perUnit
		const inverse = this.#inverse / this.#weight
		const fixed = (this.#rateInverse / this.#weight - rate * inverse) / (this.#inverseSquared / this.#weight - inverse * inverse)
		const perUnit = rate - fixed * inverse
		// Noise can turn the line round, above all that of the first runs, which are slow.
		if (fixed < 0) return { fixed: 0, perUnit: rate, certain: false }
		// That more work takes no longer may be so, but is not believed beyond what was seen.
		const least = 0.1 * rate
		if (perUnit < least) return { fixed: (rate - least) / inverse, perUnit: least, certain: true }
		return { fixed, perUnit, certain: true }
	}

	/** Milliseconds that so much work is expected to take; 0 until something was measured. */
	expect(work: number): number {
		const { pace } = this
		return pace ? pace.fixed + pace.perUnit * work : 0
	}
}

/** Milliseconds that something is expected to go on which was expected to take so long; when it is overdue it may take as long again. */
export const stillExpected = (expected: number, elapsed: number): number => (elapsed < expected ? expected - elapsed : elapsed)
