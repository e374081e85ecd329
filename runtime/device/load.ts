// Loading a model: which version, its bytes, room for it in memory, and the session worker that serves it first.

import type { Manifest } from '../../models/format/manifest.ts'
import { aborted, bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Pointer, Resolution, Revalidation } from '../store/channel.ts'
import type { Leave } from '../store/leave.ts'
import type { Storage } from '../store/storage/storage.ts'
import type { Read, Store } from '../store/store.ts'
import type { Tuning } from './control.ts'
import { footprintOf } from './footprint.ts'
import type { Prepared } from './member.ts'
import type { Progress } from './protocol.ts'
import type { Loaded } from './report.ts'
import { serveVersion } from './serve-version.ts'
import type { Builds } from './serving/builds.ts'
import { processors } from './serving/device.ts'
import { firstKind, type Kind } from './serving/kind.ts'
import type { Stillness } from './serving/stillness.ts'
import { ortWasm } from './wasm.ts'
import type { Room, Workers } from './workers.ts'

/** What loads take from the engine. */
export interface Sources {
	store: Store
	storage: Storage
	/** Nothing may be asked of the network once a model is there. */
	quiet: boolean
	/** Whether models may be downloaded. */
	leave: Leave
	/** ONNX Runtime's, each compiled once for all. */
	builds: Builds
	/** When nobody calls any model. */
	stillness: Stillness
	/** What the application has fixed. */
	tuning: Readonly<Tuning>
	onProgress(progress: Progress): void
	/** Told when the model's state or estimate may have changed. */
	onChange(model: string): void
}

export interface LoadOptions {
	name: string
	/** Default: the channel's. */
	version: string | undefined
	/** It was here before: under `quiet`, nothing is asked of the network as long as storage has it. */
	there: boolean
	sources: Sources
	workers: Workers
	/** Gets what did not go as it should have and was got around, also later. */
	notes: string[]
	/** Ends the load, and later what goes on for the model. */
	signal: AbortSignal
	/** Told when the model cannot be served any more. */
	onFailed(error: SpillwayError): void
}

/**
 * Loads a version that serves: the channel's, or else the last good one; under `quiet`, what was here before.
 *
 * @throws SpillwayError why none does. Nothing is left of it then, but for workers that are about to end.
 */
export const load = (options: LoadOptions): Promise<Loaded> => new Load(options).run()

const nothingAsked: Resolution = { candidates: [], revalidation: null, overdue: false }

class Load {
	readonly #options: LoadOptions
	readonly #revalidating = new AbortController()
	#files: Read = { loaded: 0, total: 0, stored: 0, left: null }
	#wasm = { loaded: 0, stored: 0 }
	#done = false

	constructor(options: LoadOptions) {
		this.#options = options
	}

	async run(): Promise<Loaded> {
		const { name, sources, notes, signal } = this.#options
		let loaded: Loaded | undefined
		try {
			this.#progress('channel')
			loaded = await this.#kept()
			const { candidates, revalidation, overdue } = loaded ? nothingAsked : await this.#resolve()
			loaded ??= await this.#first(candidates).catch(async (error) => {
				if (!revalidation) throw error
				// What is stored does not serve, and may be gone at its address: by now the channel may have named another version.
				await revalidation
				const others = (await this.#resolve()).candidates.filter(({ digest }) => candidates.every((tried) => tried.digest !== digest))
				if (others.length === 0 || signal.aborted) throw error
				notes.push(`the stored version could not be loaded: ${messageOf(error)}`)
				return this.#first(others)
			})
			const { pointer } = loaded
			if (!signal.aborted) await sources.store.commit(name, pointer)
			if (sources.quiet) {
				// From here on nothing is asked of the network.
				if (!overdue) this.#revalidating.abort()
				await revalidation
			}
			revalidation?.then((asked) => this.#note(asked, pointer))
			if (signal.aborted) throw aborted(signal)
			this.#progress('ready')
			return loaded
		} catch (error) {
			this.#revalidating.abort()
			// Not awaited: whoever waits for the load learns at once.
			loaded?.executor.dispose()
			throw signal.reason instanceof SpillwayError ? signal.reason : SpillwayError.from(error)
		} finally {
			this.#done = true
		}
	}

	/** What was here before, if nothing else may be asked for. */
	async #kept(): Promise<Loaded | undefined> {
		const { name, version, sources, there } = this.#options
		const pointer = there && sources.quiet ? await sources.store.good(name, version) : undefined
		return (
			pointer &&
			this.#serve(pointer, 'none').catch((error: SpillwayError) => {
				// Storage has lost some of it: it is there no more.
				if (error.code === 'not-found') return undefined
				throw error
			})
		)
	}

	#resolve(): ReturnType<Store['resolve']> {
		const { name, version, sources, signal } = this.#options
		return sources.store.resolve(name, version, AbortSignal.any([signal, this.#revalidating.signal]))
	}

	/** What the channel said meanwhile, where it matters. */
	#note(asked: Revalidation, { digest, version }: Pointer): void {
		const { notes } = this.#options
		if ('found' in asked) {
			const { found } = asked
			if (found.digest !== digest) notes.push(`version ${found.version} (serial ${found.serial}) is there and will be loaded next time`)
		} else if (asked.error.code === 'aborted') notes.push('the channel did not answer before the model was ready')
		else notes.push(`going on with version ${version}: ${asked.error.code}: ${asked.error.message}`)
	}

	/** The first version that serves. */
	async #first(candidates: readonly Pointer[]): Promise<Loaded> {
		const [pointer, ...others] = candidates
		if (!pointer) throw new SpillwayError('internal', 'no version to load')
		try {
			return await this.#serve(pointer, others.length > 0 ? 'hasty' : 'patient')
		} catch (error) {
			if (others.length === 0 || this.#options.signal.aborted) throw error
			this.#options.notes.push(`version ${pointer.version} could not be loaded, going on with the one before: ${messageOf(error)}`)
			return this.#first(others)
		}
	}

	async #serve(pointer: Pointer, network: 'patient' | 'hasty' | 'none'): Promise<Loaded> {
		const { name, sources, signal, onFailed } = this.#options
		const { store, storage, tuning, quiet, leave, builds, stillness, onChange } = sources
		/** The first worker, got ready beside the download. */
		let prepared: Promise<Prepared> | undefined
		try {
			const version = await store.read(name, pointer, {
				signal,
				network,
				files: async (manifest) => {
					const first = firstKind(manifest, tuning, processors())
					// Nothing is begun that may be refused; without leave only what is stored may be used.
					if (!leave.has(name)) return filesOf(manifest, first)
					// Before anything is downloaded that has no room.
					const room = await this.#book(manifest, first, signal)
					prepared = this.#prepare(first, room, signal)
					return filesOf(manifest, first)
				},
				permit: (bytes) => leave.demand(name, bytes),
				onProgress: (read) => {
					this.#files = read
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
				again: async (files) => (await store.read(name, pointer, { signal, network: 'none', files: () => files })).files,
				mayFetch: () => leave.has(name),
				fetch: (files, signal) => store.read(name, pointer, { signal, network: 'hasty', files: () => files }),
				onChange: () => onChange(name),
				onFailed,
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
		return this.#options.workers.book(footprintOf({ manifest, graph, provider, threads }), signal)
	}

	#prepare({ build, threads }: Kind, room: Room, signal: AbortSignal): Promise<Prepared> {
		const { sources, workers } = this.#options
		const ort = sources.builds[build]
		if (!ort) {
			room.share.release()
			throw new SpillwayError('internal', `the files of ONNX Runtime's build ${build} are not known`)
		}
		const wasm = bounded('compiling', { remaining: Number.POSITIVE_INFINITY, signal }, ort.compiled).then(({ module, stored }) => {
			if (build === 'wasm') this.#wasm = { loaded: ortWasm.size, stored: stored ? ortWasm.size : 0 }
			if (!this.#done && this.#files.total > 0) this.#progress('files')
			return module
		})
		wasm.catch(() => {})
		const name = `spillway session ${this.#options.name}`
		const prepared = ort.script().then(
			(script) => workers.start(room, { script, name, wasm, threads, signal }),
			(error) => {
				room.share.release()
				throw error
			},
		)
		// Whoever waits for it is told.
		prepared.catch(() => {})
		return prepared
	}

	#progress(phase: Progress['phase']): void {
		const { loaded, total, stored, left } = this.#files
		this.#options.sources.onProgress({
			model: this.#options.name,
			phase,
			loaded: loaded + this.#wasm.loaded,
			total: total && total + ortWasm.size,
			stored: stored + this.#wasm.stored,
			left: phase === 'files' ? left : null,
		})
	}
}

/** What a version needs to be served by sessions of this kind. */
const filesOf = ({ task }: Manifest, { files }: Kind): readonly string[] => (task ? [...files, task.tokenizer] : files)
