// One model in the engine: loading it, what there is to tell about it, and giving it up.

import { aborted, bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Pointer, Revalidation } from '../store/channel.ts'
import type { Storage } from '../store/storage.ts'
import type { Store } from '../store/store.ts'
import { choose } from './choose.ts'
import type { ModelReport, Tuning } from './control.ts'
import { type Prepared, prepareWorker } from './member.ts'
import type { Progress, StateMessage } from './protocol.ts'
import { type Loaded, messageOn, reportOn, type Standing } from './report.ts'
import { type Served, serveVersion } from './serve-version.ts'
import { type Compiled, ortWasm } from './wasm.ts'

/** What all models of an engine share. */
export interface Surroundings {
	store: Store
	storage: Storage
	/** Nothing may be asked of the network once a model is there. */
	quiet: boolean
	/** Address of the session worker's script. */
	script: string
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	/** ONNX Runtime's WebAssembly, compiled once for all. */
	wasm(): Promise<Compiled>
	onProgress(progress: Progress): void
	/** Told when the model's state or estimate may have changed. */
	onChange(model: string): void
}

export class Model {
	readonly name: string
	readonly #around: Surroundings
	readonly #life = new AbortController()
	#state: ModelReport['state'] = 'loading'
	#loaded: Loaded | undefined
	#error: SpillwayError | undefined
	#notes: string[] = []
	/** A session worker that was started before there is something to put into it. */
	#prepared: Promise<Prepared> | undefined
	#files = { loaded: 0, total: 0, stored: 0 }
	#wasm = { loaded: 0, stored: 0 }
	/** Settles with the load; asked by all who want the model. */
	readonly ready: Promise<void>

	/** Begins to load. */
	constructor(name: string, version: string | undefined, around: Surroundings) {
		this.name = name
		this.#around = around
		this.ready = this.#load(version)
		// Those who wait are told; when nobody does it is no unhandled rejection.
		this.ready.catch(() => {})
	}

	get state(): ModelReport['state'] {
		return this.#state
	}

	get version(): string | undefined {
		return this.#loaded?.manifest.version
	}

	/** The executor, or the reason why there is none. */
	get served(): Served | SpillwayError {
		if (this.#loaded && this.#state === 'ready') return this.#loaded
		if (this.#error)
			return new SpillwayError('unavailable', `${this.name} could not be loaded: ${this.#error.message}`, { cause: this.#error })
		return new SpillwayError('unavailable', `${this.name} is still loading`)
	}

	/** Whether its load was stopped. */
	get stopped(): boolean {
		return this.#error?.code === 'aborted'
	}

	stopLoading(): void {
		if (this.#state === 'loading') this.#life.abort()
	}

	/** Ends the workers; calls under way reject with `disposed`. */
	async dispose(): Promise<void> {
		this.#life.abort(new SpillwayError('disposed', `${this.name} was unloaded`))
		await this.#loaded?.executor.dispose()
	}

	async #load(version: string | undefined): Promise<void> {
		const { signal } = this.#life
		const revalidating = new AbortController()
		try {
			this.#progress('channel')
			const resolve = () => this.#around.store.resolve(this.name, version, AbortSignal.any([signal, revalidating.signal]))
			const { candidates, revalidation, overdue } = await resolve()
			const loaded = await this.#first(candidates).catch(async (error) => {
				if (!revalidation) throw error
				// What is stored does not serve, and may be gone at its address: by now the channel may have named another version.
				await revalidation
				const others = (await resolve()).candidates.filter(({ digest }) => candidates.every((tried) => tried.digest !== digest))
				if (others.length === 0 || signal.aborted) throw error
				this.#notes.push(`the stored version could not be loaded: ${messageOf(error)}`)
				return this.#first(others)
			})
			if (signal.aborted) {
				await loaded.executor.dispose()
				throw aborted(signal)
			}
			await this.#around.store.commit(this.name, loaded.pointer)
			if (this.#around.quiet) {
				// From here on nothing is asked of the network.
				if (!overdue) revalidating.abort()
				await revalidation
			}
			revalidation?.then((asked) => this.#note(asked, loaded.pointer))
			this.#loaded = loaded
			this.#state = 'ready'
			this.#progress('ready')
		} catch (error) {
			revalidating.abort()
			this.#takePrepared()?.then(
				({ end }) => end(SpillwayError.from(error)),
				() => {},
			)
			this.#error = signal.reason instanceof SpillwayError ? signal.reason : SpillwayError.from(error)
			this.#state = 'failed'
			throw this.#error
		} finally {
			this.#around.onChange(this.name)
		}
	}

	/** What the channel said meanwhile, where it matters. */
	#note(asked: Revalidation, { digest, version }: Pointer): void {
		if ('found' in asked) {
			const { found } = asked
			if (found.digest !== digest)
				this.#notes.push(`version ${found.version} (serial ${found.serial}) is there and will be loaded next time`)
		} else if (asked.error.code === 'aborted') this.#notes.push('the channel did not answer before the model was ready')
		else this.#notes.push(`going on with version ${version}: ${asked.error.code}: ${asked.error.message}`)
	}

	/** The first version that serves. */
	async #first(candidates: readonly Pointer[]): Promise<Loaded> {
		const [pointer, ...others] = candidates
		if (!pointer) throw new SpillwayError('internal', 'no version to load')
		try {
			return await this.#serve(pointer, others.length > 0 ? 'hasty' : 'patient')
		} catch (error) {
			if (others.length === 0 || this.#life.signal.aborted) throw error
			this.#notes.push(`version ${pointer.version} could not be loaded, going on with the one before: ${messageOf(error)}`)
			return this.#first(others)
		}
	}

	async #serve(pointer: Pointer, network: 'patient' | 'hasty'): Promise<Loaded> {
		const { store, storage, tuning, onChange } = this.#around
		const { signal } = this.#life
		// A worker is got ready beside the download.
		this.#prepared ??= this.#prepare(signal)
		this.#prepared.catch(() => {
			// Met below; another version tries anew.
			this.#prepared = undefined
		})
		const prepared = this.#prepared

		const version = await store.read(this.name, pointer, {
			signal,
			network,
			files: (manifest) => choose(manifest).files,
			onProgress: (loaded, total, stored) => {
				this.#files = { loaded, total, stored }
				this.#progress('files')
			},
		})
		const { manifest, bytes } = version
		const choice = choose(manifest)
		await prepared
		this.#progress('session')
		const served = await serveVersion({
			version,
			choice,
			tuning,
			records: storage.records,
			signal,
			prepare: (signal) => this.#takePrepared() ?? this.#prepare(signal),
			again: async (files) => (await store.read(this.name, pointer, { signal, network: 'none', files: () => files })).files,
			onChange: () => onChange(this.name),
			onFailed: (error) => this.#fail(error),
		})
		return { ...served, pointer, manifest, choice, bytes }
	}

	#prepare(signal: AbortSignal): Promise<Prepared> {
		const wasm = bounded('compiling', { remaining: Number.POSITIVE_INFINITY, signal }, this.#around.wasm).then(({ module, stored }) => {
			this.#wasm = { loaded: ortWasm.size, stored: stored ? ortWasm.size : 0 }
			if (this.#state === 'loading' && this.#files.total > 0) this.#progress('files')
			return module
		})
		wasm.catch(() => {})
		return prepareWorker({ script: this.#around.script, name: `spillway session ${this.name}`, wasm, signal })
	}

	#takePrepared(): Promise<Prepared> | undefined {
		const prepared = this.#prepared
		this.#prepared = undefined
		return prepared
	}

	#fail(error: SpillwayError): void {
		if (this.#state !== 'ready') return
		this.#error = error
		this.#state = 'failed'
		this.#around.onChange(this.name)
	}

	#progress(phase: Progress['phase']): void {
		const { loaded, total, stored } = this.#files
		this.#around.onProgress({
			model: this.name,
			phase,
			loaded: loaded + this.#wasm.loaded,
			total: total && total + ortWasm.size,
			stored: stored + this.#wasm.stored,
		})
	}

	get #standing(): Standing {
		return { name: this.name, state: this.#state, loaded: this.#loaded, error: this.#error }
	}

	get message(): StateMessage {
		return messageOn(this.#standing)
	}

	/** @param notes of the engine, true of all its models. */
	report(notes: readonly string[]): ModelReport {
		return reportOn(this.#standing, [...notes, ...this.#notes])
	}
}
