// When nobody asks for anything: work of the engine's own is done then, one piece at a time, and broken off as soon as somebody asks.

import { SpillwayError } from '../../core/error.ts'

/** Shared by all models of an engine: they share the processor. */
export class Stillness {
	#busy = 0
	#since = performance.now()
	/** Aborts the piece of work under way. */
	#piece: AbortController | undefined
	/** Settles when the piece of work under way has ended. */
	#turn: Promise<unknown> = Promise.resolve()
	#waiting = new Set<() => void>()

	/** Somebody wants something. @returns to be called once, when they have it. */
	enter(): () => void {
		this.#busy++
		this.#piece?.abort(new SpillwayError('aborted', 'there was something else to do'))
		return () => {
			this.#busy--
			this.#since = performance.now()
			if (this.#busy === 0) for (const wake of this.#waiting) wake()
		}
	}

	/**
	 * Does `work` when it has been still for `pause` milliseconds, and nothing else is done in this way.
	 *
	 * @param signal ends the wait, and the work.
	 * @throws what `work` throws; when it was broken off, `aborted`.
	 */
	async when<T>(pause: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
		for (;;) {
			await this.#quiet(pause, signal)
			const turn = this.#turn
			await turn
			// Others may have had their turn meanwhile, or somebody asked.
			if (turn === this.#turn && this.#left(pause) <= 0) break
		}
		signal.throwIfAborted()
		const piece = new AbortController()
		this.#piece = piece
		const done = work(AbortSignal.any([signal, piece.signal]))
		this.#turn = done.catch(() => {})
		try {
			return await done
		} catch (error) {
			throw piece.signal.aborted ? piece.signal.reason : error
		} finally {
			this.#piece = undefined
		}
	}

	/** Milliseconds until it will have been still for so long. */
	#left(pause: number): number {
		return this.#busy > 0 ? Number.POSITIVE_INFINITY : this.#since + pause - performance.now()
	}

	async #quiet(pause: number, signal: AbortSignal): Promise<void> {
		for (;;) {
			signal.throwIfAborted()
			const left = this.#left(pause)
			if (left <= 0) return
			await new Promise<void>((resolve) => {
				const go = () => {
					clearTimeout(timer)
					this.#waiting.delete(go)
					signal.removeEventListener('abort', go)
					resolve()
				}
				const timer = left === Number.POSITIVE_INFINITY ? undefined : setTimeout(go, left)
				this.#waiting.add(go)
				signal.addEventListener('abort', go, { once: true })
			})
		}
	}
}
