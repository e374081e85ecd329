// How long calls wait for an object that runs them one after the other, and tells neither their queue nor their run (its clock stands still).

/** Share of a new measurement in what is known. */
const weight = 1 / 8

export interface InLine {
	/** Milliseconds that a call would wait now; null before the first answer. */
	queue(): number | null
	/** A call is sent. @returns to be called at its end, and whether it was answered. */
	sent(): (answered: boolean) => void
}

/** Measures the time from one answer to the next while there is something to do: what a call takes of the object's time, however many wait. */
export function inLine(now: () => number = () => performance.now()): InLine {
	let underWay = 0
	let last = Number.NEGATIVE_INFINITY
	let each: number | null = null
	return {
		queue: () => each && underWay * each,
		sent() {
			const began = now()
			underWay++
			return (answered) => {
				underWay--
				if (!answered) return
				const took = now() - Math.max(last, began)
				each = each === null ? took : each + (took - each) * weight
				last = now()
			}
		},
	}
}
