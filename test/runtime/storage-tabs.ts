// The storage of an origin as its tabs see it, with models of a few bytes; made anew for each test.

import { beforeEach, vi } from 'vitest'
import type { Kept } from '../../runtime/store/known.ts'
import { storageControl } from '../../runtime/store/storage/manage.ts'
import { memoryBacking } from '../../runtime/store/storage/memory.ts'
import type { Backing } from '../../runtime/store/storage/storage.ts'
import { createVersions, type Versions, type VersionsOptions } from '../../runtime/store/storage/versions.ts'
import { type Locks, makeLocks } from './tabs-locks.ts'

export let backing: Backing
export let locks: Locks
/** What was said of it. */
export let notes: string[]
let tabs: number

beforeEach(() => {
	backing = memoryBacking()
	locks = makeLocks()
	notes = []
	tabs = 0
	return () => vi.useRealTimers()
})

/** The storage of the origin as one tab sees it. */
export const tab = (options: Partial<VersionsOptions> = {}, client = `tab ${tabs++}`): Versions =>
	createVersions({ ...backing, locks: locks.of(client), note: (text) => notes.push(text), ...options })

export const filled = (size: number, seed: number) => new Uint8Array(size).fill(seed)
export const version = (model: string, version = '1.0.0') => ({ model, version, digest: `manifest of ${model} ${version}` })

/** Stores a version of 100 bytes for its manifest and as many chunks as there are seeds; chunks of one seed are the same. */
export async function store(versions: Versions, wanted: ReturnType<typeof version>, seeds: number[], size = 1000): Promise<void> {
	await versions.hold(wanted)
	const pieces = [{ digest: wanted.digest, size: 100 }, ...seeds.map((seed) => ({ digest: `chunk ${seed}`, size }))]
	await versions.hold(wanted, pieces)
	for (const [index, piece] of pieces.entries())
		if (!versions.refuses(piece.digest)) await backing.bytes.set(piece.digest, filled(piece.size, index))
}

/** Digests of what is stored. */
export const there = async () => (await backing.bytes.keys()).sort()

/** A tab that has stored two models and was closed. The first one was used before the other. */
export async function visited(): Promise<void> {
	vi.useFakeTimers({ toFake: ['Date'] })
	const before = tab({}, 'before')
	await store(before, version('old'), [1, 2])
	vi.setSystemTime(Date.now() + 1000)
	await store(before, version('new'), [2, 3])
	vi.setSystemTime(Date.now() + 1000)
	locks.kill('before')
}

/** What applications see; the first version of each model serves. */
export function controlOf(versions: Versions) {
	const forgotten: string[] = []
	const kept = async (): Promise<Kept[]> =>
		(await versions.entries()).map(([digest, { model, version }]) => ({
			model,
			digest,
			version,
			serial: 1,
			good: true,
			current: version === '1.0.0' && !forgotten.includes(digest),
		}))
	const control = storageControl({
		versions,
		kept,
		async forget(_, digest) {
			forgotten.push(digest)
		},
	})
	return { ...control, forgotten }
}
