// The time in which one version of a model answers: the calls that it has taken, and its end once they are answered.

import type { Answer, Call } from '../core/call.ts'
import type { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import type { Loaded } from './report.ts'

class Tenure {
	readonly loaded: Loaded
	/** Rejects the calls under way. */
	readonly #calls = new Set<(error: SpillwayError) => void>()
	#onIdle = () => {}
	#ended: Promise<void> | undefined

	constructor(loaded: Loaded) {
		this.loaded = loaded
	}

	/** Calls under way. */
	get calls(): number {
		return this.#calls.size
	}

	infer(call: Call, context: Context): Promise<Answer> {
		return new Promise((resolve, reject) => {
			const left = () => {
				this.#calls.delete(reject)
				if (this.#calls.size === 0) this.#onIdle()
			}
			const answering = async () => this.loaded.executor.infer(call, context)
			this.#calls.add(reject)
			answering().finally(left).then(resolve, reject)
		})
	}

	/** Ends the workers once the calls under way are answered; none is to come any more. */
	async retire(reason: SpillwayError): Promise<void> {
		if (this.#calls.size > 0) {
			await new Promise<void>((idle) => {
				this.#onIdle = idle
			})
		}
		await this.end(reason)
	}

	/** Ends the workers; calls under way reject at once. */
	end(reason: SpillwayError): Promise<void> {
		for (const reject of this.#calls) reject(reason)
		this.#ended ??= this.loaded.end(reason)
		return this.#ended
	}
}

/** The version that serves, and those before it that answer their last calls. */
export class Tenures {
	#current: Tenure | undefined
	readonly #retiring = new Set<Tenure>()

	get current(): Tenure | undefined {
		return this.#current
	}

	/**
	 * From now on another version takes the calls.
	 *
	 * @param reason with which the workers of the one before end.
	 * @returns resolves when those have been told to.
	 */
	async begin(loaded: Loaded, reason: SpillwayError): Promise<void> {
		const before = this.#current
		this.#current = new Tenure(loaded)
		if (!before) return
		this.#retiring.add(before)
		await before.retire(reason)
		this.#retiring.delete(before)
	}

	/** Ends all; calls under way reject at once. */
	async end(reason: SpillwayError): Promise<void> {
		await Promise.all([this.#current, ...this.#retiring].map((tenure) => tenure?.end(reason)))
	}
}
