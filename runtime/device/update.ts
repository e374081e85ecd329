// Another version for a model that serves: asked of the channel, downloaded and checked while the one before goes on.

import { aborted, bounded } from '../core/deadline.ts'
import { SpillwayError } from '../core/error.ts'
import type { Pointer } from '../store/known.ts'
import { LoadProgress } from './load-progress.ts'
import { loadVersion, type VersionOptions } from './load-version.ts'
import { isUnfit, type NextVersion } from './next-version.ts'
import type { Loaded } from './report.ts'

export interface UpdateOptions extends Omit<VersionOptions, 'progress'> {
	/** The version or range that was asked for. */
	asked: string | undefined
	/** Settles with the first load. */
	ready: Promise<void>
	/** The version that serves. */
	serving(): Loaded | undefined
	/** Says how it stands with the other version. */
	next: NextVersion
}

/** Milliseconds between two looks for room, and looks. */
const pause = 250
const looks = 40

/**
 * @returns the version that may take its place, ready to answer; `null` when what the channel names is what serves.
 * @throws SpillwayError why the other version does not serve; nothing is left of it then.
 */
export async function findUpdate(options: UpdateOptions): Promise<Loaded | null> {
	const { name, asked, sources, signal, ready, serving, next } = options
	const { store, stillness, onProgress } = sources
	const leave = stillness.enter()
	const progress = new LoadProgress(name, onProgress)
	let pointer: Pointer | null = null
	try {
		await bounded(`loading ${name}`, { remaining: Number.POSITIVE_INFINITY, signal }, () => ready)
		progress.tell('channel')
		pointer = await store.latest(name, asked, signal)
		const before = serving()
		if (before?.pointer.digest === pointer.digest) {
			next.set(null)
			progress.tell('ready')
			return null
		}
		const found = pointer
		next.set(found, 'downloading')
		const loaded = await besides(before, signal, async () => {
			const loaded = await loadVersion(found, 'patient', { ...options, progress })
			// Should the page be closed before the one before has answered its last call.
			await store.arrived(name, asked, found)
			if (!signal.aborted) return loaded
			loaded.end(aborted(signal))
			throw aborted(signal)
		})
		next.set(null)
		progress.tell('ready')
		return loaded
	} catch (thrown) {
		const error = signal.reason instanceof SpillwayError ? signal.reason : SpillwayError.from(thrown)
		if (pointer) next.set(pointer, isUnfit(error) ? 'refused' : 'known', error)
		throw error
	} finally {
		progress.end()
		leave()
	}
}

/**
 * Where memory does not suffice for both, the version before makes do with one worker meanwhile.
 *
 * @throws what `work` throws; the version before has all its workers again then.
 */
export async function besides<T>(
	before: Pick<Loaded, 'workers' | 'shrink'> | undefined,
	signal: AbortSignal,
	work: () => Promise<T>,
): Promise<T> {
	let restore: (() => void) | undefined
	for (let look = 0; ; look++) {
		try {
			return await work()
		} catch (error) {
			const full = error instanceof SpillwayError && error.code === 'out-of-memory'
			if (!full || !before || signal.aborted || look === looks || (restore && before.workers() === 1)) {
				restore?.()
				throw error
			}
			restore ??= before.shrink()
			await new Promise((wake) => setTimeout(wake, pause))
		}
	}
}
