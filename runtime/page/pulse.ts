// Whether the engine worker still turns: one that is dead is told by its lock, but one that hangs holds it for ever.

/** Milliseconds between two looks. */
const interval = 10_000
/** Looks without an answer after which it hangs. Time does not count in which the page itself stands still, or its timers sleep. */
const patience = 3

/**
 * Asks now and then, and calls `gone` once when there has been no answer for 30 s, unless `signal` aborts before.
 *
 * @param ask resolves when it answers.
 */
export function watchPulse(ask: () => Promise<unknown>, signal: AbortSignal, gone: () => void): void {
	let silent = 0
	const timer = setInterval(() => {
		if (silent === patience) {
			clearInterval(timer)
			gone()
		} else if (silent++ === 0)
			ask().then(
				() => {
					silent = 0
				},
				() => {},
			)
	}, interval)
	signal.addEventListener('abort', () => clearInterval(timer))
}
