// One thing at a time, in order of arrival.

import { stillExpected } from './pace.ts'

interface Job {
	begin: () => void
	/** Milliseconds that it is expected to take. */
	expected: number
}

/** A serial queue whose waiting jobs can be taken out. */
export class Lane {
	#waiting: Job[] = []
	#running: { expected: number; since: number } | undefined

	/**
	 * Runs `work` when all before it are done.
	 *
	 * @param expected milliseconds that it is likely to take, for `queue`.
	 * @param abandoned takes the job out while it waits: the promise then never settles. A job under way goes on.
	 */
	run<T>(expected: number, abandoned: AbortSignal, work: () => Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			if (abandoned.aborted) return
			const job: Job = {
				expected,
				begin: () => {
					abandoned.removeEventListener('abort', leave)
					this.#running = { expected, since: performance.now() }
					work()
						.then(resolve, reject)
						.finally(() => {
							this.#running = undefined
							this.#next()
						})
				},
			}
			const leave = () => {
				this.#waiting = this.#waiting.filter((other) => other !== job)
			}
			abandoned.addEventListener('abort', leave, { once: true })
			this.#waiting.push(job)
			this.#next()
		})
	}

	/** Milliseconds until a job that comes now would begin. */
	get queue(): number {
		const waiting = this.#waiting.reduce((sum, { expected }) => sum + expected, 0)
		if (!this.#running) return waiting
		const { expected, since } = this.#running
		return waiting + stillExpected(expected, performance.now() - since)
	}

	#next(): void {
		if (!this.#running) this.#waiting.shift()?.begin()
	}
}
