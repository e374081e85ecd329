// How long a worker is waited for. ONNX Runtime cannot be interrupted: a worker that does not come back is ended.

/** A run that takes so many times longer than expected, and the grace time on top, is taken for one that hangs. */
const factor = 10
/** A timer that is so many milliseconds late tells of a machine that slept, not of a worker that hangs. */
const slept = 1000

export interface PatienceOptions {
	/** Aborts when nobody waits for the run any more. */
	abandoned: AbortSignal
	/** Milliseconds that the run is expected to take; 0 when that is not known: then only the deadline counts. */
	expected: number
	/** Milliseconds that are given on top. */
	grace: number
	/** Called once, when the worker has not come back: `grace` after the run was abandoned, or long after it was expected. */
	onLost(): void
}

/** @returns ends the wait, to be called when the worker has come back or is gone. Leaves no timer and no listener behind. */
export function waitPatiently({ abandoned, expected, grace, onLost }: PatienceOptions): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined
	const loseIn = (milliseconds: number) => {
		clearTimeout(timer)
		const due = performance.now() + milliseconds
		// setTimeout turns anything above 2^31-1 ms into 1 ms.
		timer = setTimeout(() => (performance.now() - due > slept ? loseIn(grace) : onLost()), Math.min(milliseconds, 2 ** 31 - 1))
	}
	const onAbandon = () => loseIn(grace)
	abandoned.addEventListener('abort', onAbandon, { once: true })
	if (abandoned.aborted) loseIn(grace)
	else if (expected > 0) loseIn(expected * factor + grace)
	return () => {
		clearTimeout(timer)
		abandoned.removeEventListener('abort', onAbandon)
	}
}
