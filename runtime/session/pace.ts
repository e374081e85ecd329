// How long runs take on this device: a straight line through the measured ones, the latest counting most.

/** Share of its weight that a measurement keeps with each later one. */
const memory = 0.97

/** Time of a run as `fixed + perUnit * work`. */
export class PaceMeter {
	#weight = 0
	#work = 0
	#time = 0
	#workSquared = 0
	#workTime = 0

	/** @param work units of the run, e.g. rows times tokens. @param time milliseconds. */
	add(work: number, time: number): void {
		this.#weight = this.#weight * memory + 1
		this.#work = this.#work * memory + work
		this.#time = this.#time * memory + time
		this.#workSquared = this.#workSquared * memory + work * work
		this.#workTime = this.#workTime * memory + work * time
	}

	/** `null` until something was measured. Neither figure is ever negative. */
	get pace(): { fixed: number; perUnit: number } | null {
		if (this.#weight === 0) return null
		const work = this.#work / this.#weight
		const time = this.#time / this.#weight
		const variance = this.#workSquared / this.#weight - work * work
		const slope = (this.#workTime / this.#weight - work * time) / variance
		const fixed = time - slope * work
		// Runs of one size say nothing about a slope, and noise can turn it round.
		const straight = variance > 1e-6 * work * work && slope >= 0 && fixed >= 0
		return straight ? { fixed, perUnit: slope } : { fixed: 0, perUnit: time / work }
	}

	/** Milliseconds that so much work is expected to take; 0 until something was measured. */
	expect(work: number): number {
		const { pace } = this
		return pace ? pace.fixed + pace.perUnit * work : 0
	}
}
