// One model in the engine: its calls, what there is to tell about it, and giving it up.

import type { Answer, Call } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import type { Budget, Owner } from './budget.ts'
import type { ModelReport } from './control.ts'
import { load, type Sources } from './load.ts'
import type { StateMessage } from './protocol.ts'
import { type Loaded, messageOn, reportOn, type Standing } from './report.ts'
import type { Served } from './serve-version.ts'
import { Workers } from './workers.ts'

/** Milliseconds after which a model that nobody uses gives its memory back, unless the application says otherwise. */
const usualIdle = 600_000

/** What all models of an engine share. */
export interface Surroundings extends Sources {
	/** Of memory. */
	budget: Budget
	/** The model gives its memory back, until it is wanted again. @param why as in "it gave its memory back …". */
	onLeave(model: Model, why: string): Promise<void>
}

export class Model implements Owner {
	readonly name: string
	/** The version that was asked for. */
	readonly asked: string | undefined
	readonly #workers: Workers
	readonly #around: Surroundings
	readonly #life = new AbortController()
	#state: ModelReport['state'] = 'loading'
	#loaded: Loaded | undefined
	#error: SpillwayError | undefined
	readonly #notes: string[] = []
	/** Rejects the calls under way. */
	readonly #calls = new Set<(error: SpillwayError) => void>()
	/** When the last call ended. */
	#used = performance.now()
	#idle: ReturnType<typeof setTimeout> | undefined
	#gone: Promise<void> | undefined
	/** Settles with the load; asked by all who want the model. */
	readonly ready: Promise<void>

	/**
	 * Begins to load.
	 *
	 * @param there it was here before.
	 */
	constructor(name: string, version: string | undefined, there: boolean, around: Surroundings) {
		this.name = name
		this.asked = version
		this.#around = around
		this.#workers = new Workers(this, around.budget)
		this.ready = this.#load(there)
		// Those who wait are told; when nobody does it is no unhandled rejection.
		this.ready.catch(() => {})
	}

	get state(): ModelReport['state'] {
		return this.#state
	}

	get version(): string | undefined {
		return this.#loaded?.manifest.version
	}

	/** When it was last used, for whoever needs its memory. */
	get unusedSince(): number | null {
		if (this.#gone || this.#state === 'failed') return Number.NEGATIVE_INFINITY
		return this.#state === 'ready' && this.#calls.size === 0 ? this.#used : null
	}

	leave(): Promise<void> {
		return this.#gone ?? this.#around.onLeave(this, 'to another model')
	}

	/** Answers a call, once the model is ready. */
	infer(call: Call, context: Context): Promise<Answer> {
		const { executor } = this.#served
		const leave = this.#around.stillness.enter()
		return new Promise((resolve, reject) => {
			const left = () => {
				leave()
				this.#calls.delete(reject)
				this.#used = performance.now()
			}
			const answering = async () => executor.infer(call, context)
			this.#calls.add(reject)
			answering().finally(left).then(resolve, reject)
		})
	}

	get #served(): Served {
		if (this.#loaded && this.#state === 'ready') return this.#loaded
		const error = this.#error
		if (error && (error.code === 'disposed' || error.code === 'out-of-memory')) throw error
		if (error) throw new SpillwayError('unavailable', `${this.name} could not be loaded: ${error.message}`, { cause: error })
		throw new SpillwayError('unavailable', `${this.name} is still loading`)
	}

	/** Whether its load was stopped. */
	get stopped(): boolean {
		return this.#error?.code === 'aborted'
	}

	stopLoading(): void {
		if (this.#state === 'loading') this.#life.abort()
	}

	/**
	 * Ends the workers; resolves when they are gone. The load and calls under way reject at once. Repeatable.
	 *
	 * @param reason with the code `disposed`.
	 */
	dispose(reason = new SpillwayError('disposed', `${this.name} was unloaded`)): Promise<void> {
		this.#gone ??= this.#end(reason)
		return this.#gone
	}

	async #end(reason: SpillwayError): Promise<void> {
		this.#life.abort(reason)
		clearTimeout(this.#idle)
		for (const reject of this.#calls) reject(reason)
		await this.ready.catch(() => {})
		await this.#loaded?.executor.dispose()
		await this.#workers.gone()
	}

	async #load(there: boolean): Promise<void> {
		const leave = this.#around.stillness.enter()
		try {
			this.#loaded = await load({
				name: this.name,
				version: this.asked,
				there,
				sources: this.#around,
				workers: this.#workers,
				notes: this.#notes,
				signal: this.#life.signal,
				onFailed: (error) => this.#fail(error),
			})
			this.#state = 'ready'
			this.#used = performance.now()
			this.#rest()
			this.#loaded.select()
		} catch (error) {
			this.#error = SpillwayError.from(error)
			this.#state = 'failed'
			throw this.#error
		} finally {
			leave()
			this.#around.onChange(this.name)
		}
	}

	/** Sees to it that the memory is given back when nobody has called for long enough. */
	#rest(): void {
		const { idle = usualIdle } = this.#around.tuning
		if (idle === Number.POSITIVE_INFINITY || this.#gone) return
		const left = this.#calls.size > 0 ? idle : this.#used + idle - performance.now()
		// setTimeout turns anything above 2^31-1 ms into 1 ms.
		if (left > 0) this.#idle = setTimeout(() => this.#rest(), Math.min(left, 2 ** 31 - 1))
		else if (this.#state === 'ready') this.#around.onLeave(this, `after ${idle} ms without calls`)
	}

	#fail(error: SpillwayError): void {
		if (this.#state !== 'ready') return
		this.#error = error
		this.#state = 'failed'
		this.#around.onChange(this.name)
	}

	get #standing(): Standing {
		return { name: this.name, state: this.#state, loaded: this.#loaded, error: this.#error }
	}

	get message(): StateMessage {
		return messageOn(this.#standing)
	}

	/** @param notes of the engine, true of all its models. */
	report(notes: readonly string[]): ModelReport {
		const { used, limit } = this.#around.budget
		return reportOn(this.#standing, {
			notes: [...notes, ...this.#notes],
			memory: { model: this.#workers.bytes, used, budget: limit },
		})
	}
}
