// One model in the engine: loading it, what there is to tell about it, and giving it up.

import type { Manifest } from '../../models/format/manifest.ts'
import type { Answer, Call } from '../core/call.ts'
import { aborted, bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import type { Pointer, Revalidation } from '../store/channel.ts'
import type { Storage } from '../store/storage.ts'
import type { Store } from '../store/store.ts'
import type { Budget, Owner } from './budget.ts'
import type { ModelReport, Tuning } from './control.ts'
import { footprintOf } from './footprint.ts'
import type { Prepared } from './member.ts'
import type { Progress, StateMessage } from './protocol.ts'
import { type Loaded, messageOn, reportOn, type Standing } from './report.ts'
import { type Served, serveVersion } from './serve-version.ts'
import type { Builds } from './serving/builds.ts'
import { processors } from './serving/device.ts'
import { firstKind, type Kind } from './serving/kind.ts'
import type { Stillness } from './serving/stillness.ts'
import { ortWasm } from './wasm.ts'
import { type Room, Workers } from './workers.ts'

/** Milliseconds after which a model that nobody uses gives its memory back, unless the application says otherwise. */
const usualIdle = 600_000

/** What all models of an engine share. */
export interface Surroundings {
	store: Store
	storage: Storage
	/** Nothing may be asked of the network once a model is there. */
	quiet: boolean
	/** ONNX Runtime's, each compiled once for all. */
	builds: Builds
	/** When nobody calls any model. */
	stillness: Stillness
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	/** Of memory. */
	budget: Budget
	onProgress(progress: Progress): void
	/** Told when the model's state or estimate may have changed. */
	onChange(model: string): void
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
	#notes: string[] = []
	#files = { loaded: 0, total: 0, stored: 0 }
	#wasm = { loaded: 0, stored: 0 }
	/** Rejects the calls under way. */
	readonly #calls = new Set<(error: SpillwayError) => void>()
	/** When the last call ended. */
	#used = performance.now()
	#idle: ReturnType<typeof setTimeout> | undefined
	#gone: Promise<void> | undefined
	/** Settles with the load; asked by all who want the model. */
	readonly ready: Promise<void>

	/** Begins to load. */
	constructor(name: string, version: string | undefined, around: Surroundings) {
		this.name = name
		this.asked = version
		this.#around = around
		this.#workers = new Workers(this, around.budget)
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
			this.#calls.add(reject)
			executor.infer(call, context).finally(left).then(resolve, reject)
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

	async #load(version: string | undefined): Promise<void> {
		const { signal } = this.#life
		const leave = this.#around.stillness.enter()
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
			this.#loaded = loaded
			await this.#around.store.commit(this.name, loaded.pointer)
			if (this.#around.quiet) {
				// From here on nothing is asked of the network.
				if (!overdue) revalidating.abort()
				await revalidation
			}
			revalidation?.then((asked) => this.#note(asked, loaded.pointer))
			if (signal.aborted) throw aborted(signal)
			this.#state = 'ready'
			this.#used = performance.now()
			this.#rest()
			this.#progress('ready')
			loaded.select()
		} catch (error) {
			revalidating.abort()
			// Not awaited: whoever waits for the load learns at once.
			this.#loaded?.executor.dispose()
			this.#loaded = undefined
			this.#error = signal.reason instanceof SpillwayError ? signal.reason : SpillwayError.from(error)
			this.#state = 'failed'
			throw this.#error
		} finally {
			leave()
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
		const { store, storage, tuning, quiet, builds, stillness, onChange } = this.#around
		const { signal } = this.#life
		/** The first worker, got ready beside the download. */
		let prepared: Promise<Prepared> | undefined
		try {
			const version = await store.read(this.name, pointer, {
				signal,
				network,
				files: async (manifest) => {
					const first = firstKind(manifest, tuning, processors())
					// Before anything is downloaded that has no room.
					const room = await this.#book(manifest, first, signal)
					prepared = this.#prepare(first, room, signal)
					return manifest.task ? [...first.files, manifest.task.tokenizer] : first.files
				},
				onProgress: (loaded, total, stored) => {
					this.#files = { loaded, total, stored }
					this.#progress('files')
				},
			})
			const { manifest, bytes } = version
			const first = firstKind(manifest, tuning, processors())
			await prepared
			this.#progress('session')
			const served = await serveVersion({
				version,
				first,
				tuning,
				builds,
				stillness,
				quiet,
				records: storage.records,
				signal,
				prepare: async (kind, signal) => {
					const ready = prepared
					prepared = undefined
					return ready ?? this.#prepare(kind, await this.#book(manifest, kind, signal), signal)
				},
				again: async (files) => (await store.read(this.name, pointer, { signal, network: 'none', files: () => files })).files,
				fetch: (files, signal) => store.read(this.name, pointer, { signal, network: 'hasty', files: () => files }),
				onChange: () => onChange(this.name),
				onFailed: (error) => this.#fail(error),
			})
			return { ...served, pointer, manifest, bytes }
		} catch (error) {
			prepared?.then(
				({ end }) => end(SpillwayError.from(error)),
				() => {},
			)
			throw error
		}
	}

	/** @throws SpillwayError `out-of-memory`, `aborted`. */
	#book(manifest: Manifest, { graph, provider, threads }: Kind, signal: AbortSignal): Promise<Room> {
		return this.#workers.book(footprintOf({ manifest, graph, provider, threads }), signal)
	}

	#prepare({ build, threads }: Kind, room: Room, signal: AbortSignal): Promise<Prepared> {
		const { builds, budget } = this.#around
		const ort = builds[build]
		if (!ort) throw new SpillwayError('internal', `the files of ONNX Runtime's build ${build} are not known`)
		const wasm = bounded('compiling', { remaining: Number.POSITIVE_INFINITY, signal }, ort.compiled).then(({ module, stored }) => {
			if (build === 'wasm') this.#wasm = { loaded: ortWasm.size, stored: stored ? ortWasm.size : 0 }
			if (this.#state === 'loading' && this.#files.total > 0) this.#progress('files')
			return module
		})
		wasm.catch(() => {})
		const name = `spillway session ${this.name}`
		const prepared = ort.script().then(
			(script) => this.#workers.start(room, { script, name, wasm, threads, most: budget.limit, signal }),
			(error) => {
				room.share.release()
				throw error
			},
		)
		// Whoever waits for it is told.
		prepared.catch(() => {})
		return prepared
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
		const { used, limit } = this.#around.budget
		return reportOn(this.#standing, {
			notes: [...notes, ...this.#notes],
			memory: { model: this.#workers.bytes, used, budget: limit },
		})
	}
}
