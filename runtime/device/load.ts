// Loading a model: which version of it, the one that is stored or what the channel names.

import { aborted, bounded } from '../core/deadline.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import { satisfies } from '../core/version.ts'
import type { Resolution, Revalidation } from '../store/channel.ts'
import type { Pointer } from '../store/known.ts'
import { LoadProgress } from './load-progress.ts'
import { loadVersion, type VersionOptions } from './load-version.ts'
import type { Loaded } from './report.ts'

/** Milliseconds for which the channel is waited for when it has not been heard for long: what is there serves. */
const channelLimit = 10_000

export interface LoadOptions extends Omit<VersionOptions, 'progress'> {
	/** A version or a range of them. Default: the channel's choice. */
	asked: string | undefined
	/**
	 * Digest of the version that served before, in this page: it goes on with that one. Under `quiet`, nothing is asked of the network as long
	 * as storage has it.
	 */
	there: string | undefined
	/** Gets what did not go as it should have and was got around. */
	notes: string[]
}

export interface LoadResult {
	loaded: Loaded
	/** What the channel says meanwhile; `null` when it was asked before, or is not asked. */
	revalidation: Promise<Revalidation> | null
	/** Why the version that should have come next does not serve. */
	refused: { digest: string; error: SpillwayError } | null
}

/**
 * Loads a version that serves: the one that is stored, or else what the channel names.
 *
 * @throws SpillwayError why none does. Nothing is left of it then, but for workers that are about to end.
 */
export const load = (options: LoadOptions): Promise<LoadResult> => new Load(options).run()

class Load {
	readonly #options: LoadOptions
	readonly #progress: LoadProgress
	readonly #revalidating = new AbortController()
	#refused: LoadResult['refused'] = null

	constructor(options: LoadOptions) {
		this.#options = options
		this.#progress = new LoadProgress(options.name, options.sources.onProgress)
	}

	async run(): Promise<LoadResult> {
		const { name, asked, sources, signal } = this.#options
		let loaded: Loaded | undefined
		try {
			this.#progress.tell('channel')
			loaded = await this.#kept()
			let revalidation: LoadResult['revalidation'] = null
			if (!loaded) {
				const resolution = await this.#resolve()
				revalidation = resolution.revalidation
				loaded = await this.#newest(resolution)
				if (!signal.aborted) await sources.store.commit(name, asked, loaded.pointer)
				if (sources.quiet) {
					if (resolution.overdue) await this.#hear(revalidation)
					// From here on nothing is asked of the network.
					this.#revalidating.abort()
					await revalidation
				}
			}
			if (signal.aborted) throw aborted(signal)
			this.#progress.tell('ready')
			return { loaded, revalidation, refused: this.#refused }
		} catch (thrown) {
			this.#revalidating.abort()
			const error = signal.reason instanceof SpillwayError ? signal.reason : SpillwayError.from(thrown)
			// Not awaited: whoever waits for the load learns at once.
			loaded?.end(error)
			throw error
		} finally {
			this.#progress.end()
		}
	}

	/** What was here before. */
	async #kept(): Promise<Loaded | undefined> {
		const { name, asked, sources, there, notes, signal } = this.#options
		const { store, quiet } = sources
		const pointer = there === undefined ? undefined : await store.good(name, asked, there)
		if (!pointer || (!quiet && pointer.digest !== there)) return undefined
		// Somebody else wants it now, in another version.
		if (asked !== undefined && !satisfies(pointer.version, asked)) return undefined
		return this.#serve(pointer, quiet ? 'none' : 'hasty').catch((error: SpillwayError) => {
			// Storage has lost some of it: it is there no more.
			if (signal.aborted || (quiet && error.code !== 'not-found')) throw error
			if (!quiet) notes.push(`version ${pointer.version}, which was here, could not be loaded again: ${messageOf(error)}`)
			return undefined
		})
	}

	#resolve(): Promise<Resolution> {
		const { name, asked, sources, signal } = this.#options
		return sources.store.resolve(name, asked, AbortSignal.any([signal, this.#revalidating.signal]))
	}

	/** Waits for what the channel says, but not for long. */
	async #hear(revalidation: LoadResult['revalidation']): Promise<void> {
		const { signal, notes } = this.#options
		await bounded('asking the channel', { remaining: channelLimit, signal }, async () => revalidation).catch(() =>
			notes.push(`the channel did not answer within ${channelLimit / 1000} s; going on with what is stored`),
		)
	}

	/** The version that was to come next, if it serves; else the one that served last. */
	async #newest(resolution: Resolution): Promise<Loaded> {
		const { first, next, revalidation } = resolution
		const { name, sources, notes, signal } = this.#options
		// What is not stored yet comes in the background; where nothing may go on there, now.
		const wanted = next && (next.stored || (sources.quiet && globalThis.navigator?.onLine !== false))
		if (wanted) {
			// It stays in storage: it is not to make room for one that may yet fail.
			await sources.storage.versions.hold({ model: name, version: first.version, digest: first.digest })
			try {
				return await this.#serve(next, 'hasty')
			} catch (error) {
				if (signal.aborted) throw error
				this.#refused = { digest: next.digest, error: SpillwayError.from(error) }
				notes.push(`version ${next.version} could not be loaded, going on with the one before: ${messageOf(error)}`)
			}
		}
		try {
			return await this.#serve(first, 'patient')
		} catch (error) {
			// What is stored does not serve, and may be gone at its address: by now the channel may have named another version.
			const asked = await revalidation
			const tried = [first.digest, this.#refused?.digest]
			if (!asked || !('found' in asked) || tried.includes(asked.found.digest) || signal.aborted) throw error
			notes.push(`the stored version could not be loaded: ${messageOf(error)}`)
			return this.#serve(asked.found, 'patient')
		}
	}

	#serve(pointer: Pointer, network: 'patient' | 'hasty' | 'none'): Promise<Loaded> {
		return loadVersion(pointer, network, { ...this.#options, progress: this.#progress })
	}
}
