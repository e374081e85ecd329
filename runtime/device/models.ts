// The models of an engine: loaded when they are wanted, put to sleep when nobody uses them, woken by the next call.

import type { Answer, Call } from '../core/call.ts'
import { bounded, startClock } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import { satisfies } from '../core/version.ts'
import type { Leave } from '../store/leave.ts'
import type { ModelReport } from './control.ts'
import { Model, type Surroundings } from './model.ts'
import type { StateMessage } from './protocol.ts'
import { messageOn, reportOn, type Standing } from './report.ts'

/** A model that gave its memory back. */
interface Asleep {
	/** The version that was asked for. */
	version: string | undefined
	why: string
}

export class Models {
	readonly #around: Surroundings
	readonly #models = new Map<string, Model>()
	readonly #asleep = new Map<string, Asleep>()
	/** Digests of the versions that have served, by model, and were not unloaded: a page goes on with what it had. */
	readonly #there = new Map<string, string>()
	/** Those whose workers are about to end. */
	readonly #leaving = new Set<Model>()
	/** Set when the engine was disposed. */
	#over: SpillwayError | undefined

	constructor(around: Omit<Surroundings, 'onLeave' | 'onUpdate'>) {
		this.#around = {
			...around,
			onLeave: (model, why) => this.#leave(model, why),
			onUpdate: (name, digest) => this.#there.set(name, digest),
		}
	}

	/** Whether models may be downloaded. */
	get leave(): Leave {
		return this.#around.leave
	}

	/** Those of which there is something to tell. */
	get names(): string[] {
		return [...this.#models.keys(), ...this.#asleep.keys()]
	}

	/**
	 * Resolves when the model serves. Joins a load under way; one that failed is begun anew.
	 *
	 * @param version or a range of them. Default: the channel's choice.
	 * @param there digest of the version that has served before, in another engine.
	 * @throws SpillwayError why it does not serve; `not-found` when it is here in another version; `disposed`.
	 */
	async load(name: string, version: string | undefined, there?: string | undefined): Promise<Model> {
		if (there !== undefined && !this.#there.has(name)) this.#there.set(name, there)
		const model = this.#begun(name, version)
		try {
			await model.ready
		} catch (error) {
			// A load that was stopped leaves nothing, one that failed its reason.
			if (model.stopped && this.#models.get(name) === model) this.#models.delete(name)
			this.#around.onChange(name)
			throw error
		}
		if (version !== undefined && !satisfies(model.version ?? '', version))
			throw new SpillwayError(
				'not-found',
				`${name} is here as version ${model.version}, not ${version}, and one version at a time is: dispose() the runtime first`,
			)
		return model
	}

	stopLoading(name: string): void {
		this.#models.get(name)?.stopLoading()
	}

	/**
	 * Lets the version serve that the channel names now; a model that is not there is loaded before.
	 *
	 * @returns whether another version serves than before.
	 * @throws SpillwayError what `load` throws, and why the other version does not serve: the one before goes on then.
	 */
	async update(name: string, version: string | undefined, there?: string | undefined): Promise<boolean> {
		return (await this.load(name, version, there)).update()
	}

	stopUpdating(name: string): void {
		this.#models.get(name)?.stopUpdating()
	}

	/** Answers a call; a model that is asleep, or that storage has lost, is loaded again for it, within the call's time. */
	async infer(call: Call, context: Context): Promise<Answer> {
		const left = startClock(context.remaining)
		const used = this.#models.get(call.model.name)
		try {
			return await this.#answer(call, context)
		} catch (error) {
			if (!used?.isLost || this.#over) throw error
			return this.#answer(call, { ...context, remaining: left() })
		}
	}

	async #answer(call: Call, context: Context): Promise<Answer> {
		const { name } = call.model
		if (this.#over) throw this.#over
		if (this.#models.get(name)?.state === 'ready') return (this.#models.get(name) as Model).infer(call, context)
		if (!this.#models.has(name) && !this.#asleep.has(name)) throw new SpillwayError('unavailable', `${name} was not loaded`)
		const left = startClock(context.remaining)
		const there = this.#models.get(name)
		const model = there && !there.isLost ? there : this.#begun(name, there ? there.asked : this.#asleep.get(name)?.version)
		// Why it does not come is for the model to say.
		await bounded(`loading ${name}`, context, () => model.ready.catch(() => {}))
		if (this.#over) throw this.#over
		return model.infer(call, { ...context, remaining: left() })
	}

	message(name: string): StateMessage {
		return this.#models.get(name)?.message ?? messageOn(this.#absent(name))
	}

	/** @param notes of the engine, true of all models. */
	report(name: string, notes: readonly string[]): ModelReport {
		const model = this.#models.get(name)
		const { used, limit } = this.#around.budget
		return model?.report(notes) ?? reportOn(this.#absent(name), { notes, next: null, memory: { model: 0, used, budget: limit } })
	}

	/** Ends the model's workers; resolves when none is left. Calls under way reject with `disposed`. */
	async unload(name: string): Promise<void> {
		const model = this.#models.get(name)
		this.#asleep.delete(name)
		this.#there.delete(name)
		if (model) await this.#end(model)
		else this.#around.onChange(name)
	}

	/** Unloads all, and loads none any more. Resolves when no call is under way and no worker left. */
	async dispose(): Promise<void> {
		this.#over ??= new SpillwayError('disposed', 'the engine was disposed')
		this.#asleep.clear()
		for (const model of this.#models.values()) this.#end(model, this.#over)
		await Promise.all(Array.from(this.#leaving, (model) => model.dispose()))
	}

	#begun(name: string, version: string | undefined): Model {
		if (this.#over) throw this.#over
		const before = this.#models.get(name)
		if (before && before.state !== 'failed') return before
		if (before) this.#end(before)
		const model = new Model(name, version, this.#there.get(name), this.#around)
		model.ready.then(
			() => this.#there.set(name, model.digest ?? ''),
			() => {},
		)
		this.#asleep.delete(name)
		this.#models.set(name, model)
		this.#around.onChange(name)
		return model
	}

	#leave(model: Model, why: string): Promise<void> {
		if (this.#models.get(model.name) === model && model.state === 'ready') this.#asleep.set(model.name, { version: model.asked, why })
		return this.#end(model)
	}

	async #end(model: Model, reason?: SpillwayError): Promise<void> {
		const { name } = model
		if (this.#models.get(name) === model) this.#models.delete(name)
		this.#leaving.add(model)
		const ended = model.dispose(reason)
		this.#around.onChange(name)
		await ended
		this.#leaving.delete(model)
	}

	#absent(name: string): Standing {
		const asleep = this.#asleep.get(name)
		if (this.#over) return { name, state: 'failed', error: this.#over }
		return { name, state: 'absent', detail: asleep && `${name} gave its memory back ${asleep.why}; the next call loads it again` }
	}
}
