// One model in the engine: its calls, another version in place of the one that serves, what there is to tell about it, and giving it up.

import type { Answer, Call } from '../core/call.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import { Begun } from './begun.ts'
import type { Budget, Owner } from './budget.ts'
import type { ModelReport } from './control.ts'
import { watchIdle } from './idle.ts'
import { load } from './load.ts'
import type { Sources, VersionOptions } from './load-version.ts'
import { NextVersion } from './next-version.ts'
import type { StateMessage } from './protocol.ts'
import { absenceOf, type Loaded, messageOn, reportOn, type Standing } from './report.ts'
import { Tenures } from './tenure.ts'
import { findUpdate } from './update.ts'
import { Workers } from './workers.ts'

/** What all models of an engine share. */
export interface Surroundings extends Sources {
	/** Of memory. */
	budget: Budget
	/** The model gives its memory back, until it is wanted again. @param why as in "it gave its memory back …". */
	onLeave(model: Model, why: string): Promise<void>
	/** Another version serves. @param digest of its manifest. */
	onUpdate(model: string, digest: string): void
	/** Takes a line to a session worker, for the page. */
	onLine(model: string, space: string, port: MessagePort): void
}

export class Model implements Owner {
	readonly name: string
	/** The version or range that was asked for. */
	readonly asked: string | undefined
	readonly #workers: Workers
	readonly #around: Surroundings
	readonly #life = new AbortController()
	#state: ModelReport['state'] = 'loading'
	readonly #tenures = new Tenures()
	readonly #begun = new Begun()
	#error: SpillwayError | undefined
	readonly #notes: string[] = []
	readonly #next: NextVersion
	/** An update under way, and what stops it. */
	#updating: { done: Promise<boolean>; stop: AbortController } | undefined
	/** Settles when no version is about to end. */
	#turnover: Promise<unknown> = Promise.resolve()
	/** When the last call ended. */
	#used = performance.now()
	#stopWatching = () => {}
	#gone: Promise<void> | undefined
	/** Settles with the load; asked by all who want the model. */
	readonly ready: Promise<void>

	/**
	 * Begins to load.
	 *
	 * @param there digest of the version that served before, in this page.
	 */
	constructor(name: string, asked: string | undefined, there: string | undefined, around: Surroundings) {
		this.name = name
		this.asked = asked
		this.#around = around
		this.#workers = new Workers(this, around.budget)
		this.#next = new NextVersion({ name, asked, sources: around, notes: this.#notes, signal: this.#life.signal })
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

	/** Digest of the manifest of the version that serves. */
	get digest(): string | undefined {
		return this.#loaded?.pointer.digest
	}

	get #loaded(): Loaded | undefined {
		return this.#tenures.current?.loaded
	}

	/** When it was last used, for whoever needs its memory. */
	get unusedSince(): number | null {
		if (this.#gone || this.#state === 'failed') return Number.NEGATIVE_INFINITY
		return this.#state === 'ready' && !this.#busy ? this.#used : null
	}

	leave(): Promise<void> {
		return this.#gone ?? this.#around.onLeave(this, 'to another model')
	}

	/** Answers a call, once the model is ready. */
	async infer(call: Call, context: Context): Promise<Answer> {
		const leave = this.#around.stillness.enter()
		try {
			if (context.begun) return await this.#begun.hold(context, (held) => this.#answer(call, held))
			this.#begun.release()
			return await this.#answer(call, context)
		} finally {
			leave()
			this.#used = performance.now()
		}
	}

	async #answer(call: Call, context: Context): Promise<Answer> {
		const { current } = this.#tenures
		if (!current || this.#state !== 'ready') throw absenceOf(this.#standing)
		return current.infer(call, context)
	}

	/** Whether it is needed now. */
	get #busy(): boolean {
		return this.#updating !== undefined || this.#begun.size > 0 || (this.#tenures.current?.calls ?? 0) > 0
	}

	/** Whether it has served, and cannot any more because storage has lost what another worker needs. */
	get isLost(): boolean {
		return this.#state === 'failed' && this.#loaded !== undefined && this.#error?.code === 'not-found'
	}

	/** Whether its load was stopped. */
	get stopped(): boolean {
		return this.#error?.code === 'aborted'
	}

	stopLoading(): void {
		if (this.#state === 'loading') this.#life.abort()
	}

	/**
	 * Asks which version is current and lets it serve, once it has been downloaded and checked; until then the one that serves goes on. Calls
	 * under way are answered by the version that took them. Joins an update under way.
	 *
	 * @returns whether another version serves than before.
	 * @throws SpillwayError why the other version does not serve: everything goes on as before then.
	 */
	update(): Promise<boolean> {
		if (!this.#updating) {
			const stop = new AbortController()
			const done = this.#update(AbortSignal.any([this.#life.signal, stop.signal])).finally(() => {
				this.#updating = undefined
				this.#used = performance.now()
			})
			this.#updating = { done, stop }
		}
		return this.#updating.done
	}

	stopUpdating(): void {
		this.#updating?.stop.abort()
	}

	async #update(signal: AbortSignal): Promise<boolean> {
		let loaded: Loaded | null = null
		loaded = await findUpdate({
			...this.#served(() => loaded),
			asked: this.asked,
			ready: this.ready,
			serving: () => this.#loaded,
			next: this.#next,
			signal,
		})
		if (loaded) this.#swap(loaded)
		return loaded !== null
	}

	/** From now on another version takes the calls. */
	#swap(loaded: Loaded): void {
		const { pointer } = loaded
		const retired = this.#tenures.begin(loaded, new SpillwayError('disposed', `${this.name} was updated to ${pointer.version}`))
		this.#state = 'ready'
		this.#error = undefined
		this.#around.onUpdate(this.name, pointer.digest)
		this.#around.onChange(this.name)
		loaded.select()
		// The version before may need its files until its last call is answered.
		this.#turnover = Promise.all([this.#turnover, retired])
			.then(() => this.#around.store.commit(this.name, this.asked, pointer))
			.catch((error) => this.#notes.push(`version ${pointer.version} serves, but could not be remembered: ${messageOf(error)}`))
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
		this.#stopWatching()
		this.#tenures.end(reason)
		this.#begun.release()
		await this.ready.catch(() => {})
		await this.#tenures.end(reason)
		await this.#turnover
		await this.#workers.gone()
	}

	async #load(there: string | undefined): Promise<void> {
		const leave = this.#around.stillness.enter()
		try {
			let loaded: Loaded | undefined
			const result = await load({
				...this.#served(() => loaded),
				asked: this.asked,
				there,
				notes: this.#notes,
				signal: this.#life.signal,
			})
			loaded = result.loaded
			this.#tenures.begin(loaded, new SpillwayError('internal', 'nothing served before'))
			this.#state = 'ready'
			this.#used = performance.now()
			this.#watch()
			loaded.select()
			this.#next.watch(result)
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
	#watch(): void {
		if (this.#gone) return
		this.#stopWatching = watchIdle({
			limit: this.#around.tuning.idle,
			busy: () => this.#busy,
			used: () => this.#used,
			onIdle: (limit) => this.#state === 'ready' && this.#around.onLeave(this, `after ${limit} ms without calls`),
		})
	}

	/** What every version is loaded with. @param which the version, once it is there. */
	#served(which: () => Loaded | null | undefined): Pick<VersionOptions, 'name' | 'sources' | 'workers' | 'onLine' | 'onFailed'> {
		return {
			name: this.name,
			sources: this.#around,
			workers: this.#workers,
			onLine: (space, port, worker) => {
				if (this.#loaded !== which()) return
				this.#begun.worker = worker
				this.#around.onLine(this.name, space, port)
			},
			// One that is on its way out, or not there yet, fails for itself alone.
			onFailed: (error) => {
				if (this.#loaded && this.#loaded === which()) this.#fail(error)
			},
		}
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
			next: this.#next.report,
			memory: { model: this.#workers.bytes, used, budget: limit },
		})
	}
}
