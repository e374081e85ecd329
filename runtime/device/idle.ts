// When nobody has used a model for long enough.

/** Milliseconds after which a model that nobody uses gives its memory back, unless the application says otherwise. */
const usualIdle = 600_000

export interface IdleOptions {
	/** Milliseconds; `Infinity`: never. Default: ten minutes. */
	limit: number | undefined
	/** Whether it is used now. */
	busy(): boolean
	/** When it was last used (`performance.now`). */
	used(): number
	/** @param limit milliseconds. */
	onIdle(limit: number): unknown
}

/** Watches until that is so. @returns ends the watch. */
export function watchIdle({ limit = usualIdle, busy, used, onIdle }: IdleOptions): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined
	function look(): void {
		const left = busy() ? limit : used() + limit - performance.now()
		// setTimeout turns anything above 2^31-1 ms into 1 ms.
		if (left > 0) timer = setTimeout(look, Math.min(left, 2 ** 31 - 1))
		else onIdle(limit)
	}
	if (limit !== Number.POSITIVE_INFINITY) look()
	return () => clearTimeout(timer)
}
