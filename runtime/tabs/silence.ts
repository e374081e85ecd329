// Notices that the other side says nothing while somebody waits for it; nothing wakes up while nobody waits.

/** Milliseconds between two questions whether anybody is there. */
const interval = 1000
/** Questions without an answer after which nobody is. */
const patience = 4

export interface Silence {
	/** Settles like `work`; until then the other side is watched. */
	during<T>(work: Promise<T>): Promise<T>
	/** The other side has said something. */
	broken(): void
	/** Watches no more. */
	end(): void
}

/**
 * Counts questions, not time: a tab that was frozen itself finds the clock moved on, but has asked nobody.
 *
 * @param ask asks the other side for a sign of life; called every second while somebody waits.
 * @param fallen called when several questions in a row got no answer, and then again after as many more.
 */
export function watchSilence(ask: () => void, fallen: () => void): Silence {
	let waiting = 0
	let unanswered = 0
	let timer: ReturnType<typeof setInterval> | undefined

	function tick() {
		if (unanswered++ < patience) return ask()
		unanswered = 0
		fallen()
	}

	function end() {
		clearInterval(timer)
		timer = undefined
	}

	return {
		async during(work) {
			if (waiting++ === 0) {
				unanswered = 0
				timer = setInterval(tick, interval)
			}
			try {
				return await work
			} finally {
				if (--waiting === 0) end()
			}
		},
		broken() {
			unanswered = 0
		},
		end,
	}
}
