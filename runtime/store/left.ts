// How long a download will take from here: by what came over the network in the last seconds.

/** Milliseconds that are looked back. */
const window = 10_000
/** Milliseconds before which nothing can be said. */
const soonest = 500
/** Milliseconds between two words of it. */
const often = 250

export class TimeLeft {
	/** When how many bytes had come in all. */
	#marks: { time: number; bytes: number }[] = []
	#bytes = 0
	/** Bytes of parts that are not whole yet. */
	#pending = 0
	#told = 0
	readonly #onChange: () => void

	/** @param onChange told now and then, while bytes come. */
	constructor(onChange: () => void = () => {}) {
		this.#onChange = onChange
	}

	/** Some bytes of a part have come. */
	came(bytes: number): void {
		const time = performance.now()
		if (this.#marks.length === 0) this.#marks.push({ time, bytes: 0 })
		this.#bytes += bytes
		this.#pending += bytes
		this.#marks.push({ time, bytes: this.#bytes })
		while (time - (this.#marks[1]?.time ?? time) > window) this.#marks.shift()
		if (time - this.#told < often) return
		this.#told = time
		this.#onChange()
	}

	/** A part is whole, or was given up, of which so many bytes had come. */
	settled(bytes: number): void {
		this.#pending -= bytes
	}

	/** @param bytes not verified yet. @returns milliseconds; null while it cannot be known. */
	of(bytes: number): number | null {
		if (bytes === 0) return 0
		const [first] = this.#marks
		const now = performance.now()
		if (!first || now - first.time < soonest || now - first.time > 3 * window) return null
		const rate = (this.#bytes - first.bytes) / (now - first.time)
		return rate > 0 ? Math.round(Math.max(0, bytes - this.#pending) / rate) : null
	}
}
