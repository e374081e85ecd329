// Which versions are stored: what goes to make room, what stays whoever wants room, and what applications learn of it.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import type { Kept } from '../../runtime/store/known.ts'
import { storageControl } from '../../runtime/store/storage/manage.ts'
import { memoryBacking } from '../../runtime/store/storage/memory.ts'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import type { Backing } from '../../runtime/store/storage/storage.ts'
import { createVersions, type Versions, type VersionsOptions } from '../../runtime/store/storage/versions.ts'
import { type Locks, makeLocks } from './tabs-locks.ts'

let backing: Backing
let locks: Locks
let notes: string[]
let tabs: number

beforeEach(() => {
	backing = memoryBacking()
	locks = makeLocks()
	notes = []
	tabs = 0
	return () => vi.useRealTimers()
})

/** The storage of the origin as one tab sees it. */
const tab = (options: Partial<VersionsOptions> = {}, client = `tab ${tabs++}`): Versions =>
	createVersions({ ...backing, locks: locks.of(client), note: (text) => notes.push(text), ...options })

const filled = (size: number, seed: number) => new Uint8Array(size).fill(seed)
const version = (model: string, version = '1.0.0') => ({ model, version, digest: `manifest of ${model} ${version}` })

/** Stores a version of 100 bytes for its manifest and as many chunks as there are seeds; chunks of one seed are the same. */
async function store(versions: Versions, wanted: ReturnType<typeof version>, seeds: number[], size = 1000): Promise<void> {
	await versions.hold(wanted)
	const pieces = [{ digest: wanted.digest, size: 100 }, ...seeds.map((seed) => ({ digest: `chunk ${seed}`, size }))]
	await versions.hold(wanted, pieces)
	for (const [index, piece] of pieces.entries())
		if (!versions.refuses(piece.digest)) await backing.bytes.set(piece.digest, filled(piece.size, index))
}

const there = async () => (await backing.bytes.keys()).sort()

/** A tab that has stored two models and was closed. The first one was used before the other. */
async function visited(): Promise<void> {
	vi.useFakeTimers({ toFake: ['Date'] })
	const before = tab({}, 'before')
	await store(before, version('old'), [1, 2])
	vi.setSystemTime(Date.now() + 1000)
	await store(before, version('new'), [2, 3])
	vi.setSystemTime(Date.now() + 1000)
	locks.kill('before')
}

describe('under a limit', () => {
	test('what was used least recently goes, but not what others share', async () => {
		await visited()
		await store(tab({ most: 4_200 }), version('next'), [4])
		expect(await there()).toEqual(['chunk 2', 'chunk 3', 'chunk 4', 'manifest of new 1.0.0', 'manifest of next 1.0.0'])
		expect(notes).toEqual(['old 1.0.0 was deleted from storage, to make room'])
	})

	test('what is used again is not the one that goes', async () => {
		await visited()
		const other = tab({}, 'again')
		await other.hold(version('old'))
		locks.kill('again')
		await store(tab({ most: 4_200 }), version('next'), [4])
		expect(notes).toEqual(['new 1.0.0 was deleted from storage, to make room'])
	})

	test('what some tab uses stays, until that tab is gone', async () => {
		await visited()
		await tab({}, 'user').hold(version('old'))
		await store(tab({ most: 2_300 }), version('next'), [4, 5, 6])
		expect(notes).toEqual([
			'new 1.0.0 was deleted from storage, to make room',
			'models may take 2300 bytes of storage; what does not fit goes on from memory',
		])
		expect(await there()).toContain('chunk 1')
		locks.kill('user')
		await store(tab({ most: 2_300 }), version('next'), [4, 5, 6])
		expect(notes).toContain('old 1.0.0 was deleted from storage, to make room')
	})

	test('what does not fit is refused, piece by piece, and counts as not stored', async () => {
		const versions = tab({ most: 2_500 })
		await store(versions, version('large'), [1, 2, 3])
		expect([1, 2, 3].map((seed) => versions.refuses(`chunk ${seed}`))).toEqual([false, false, true])
		const control = controlOf(versions)
		expect(await control.list()).toMatchObject([{ model: 'large', bytes: 2_100, complete: false }])
		expect((await control.estimate()).models).toBe(2_100)
	})

	test('what did not fit is not forgotten later', async () => {
		vi.useFakeTimers({ toFake: ['Date'] })
		const versions = tab({ most: 2_500 })
		await store(versions, version('large'), [1, 2, 3])
		vi.setSystemTime(Date.now() + 3_600_000)
		await versions.hold(version('large'))
		expect(await controlOf(versions).list()).toMatchObject([{ model: 'large', complete: false }])
	})

	test('nobody is deleted for what fits', async () => {
		await visited()
		await store(tab({ most: 4_300 }), version('next'), [3, 4])
		expect(notes).toEqual([])
	})
})

describe('when the browser has no more room', () => {
	/** A browser that stores so many bytes. */
	function limited(most: number): Backing {
		const { bytes, records } = backing
		const set = async (digest: string, value: Uint8Array<ArrayBuffer>) => {
			let sum = value.length
			for (const key of await bytes.keys()) if (key !== digest) sum += (await bytes.get(key))?.length ?? 0
			if (sum > most) throw new DOMException('no more', 'QuotaExceededError')
			await bytes.set(digest, value)
		}
		return { records, bytes: { ...bytes, set } }
	}

	test('other versions go first, the rest goes on from memory, and it is said', async () => {
		await visited()
		const { versions, bytes } = await resilientStorage(
			async () => limited(3_000),
			(note) => notes.push(note),
		)
		const wanted = version('next')
		await versions.hold(wanted, [{ digest: wanted.digest, size: 100 }, ...[4, 5, 6].map((n) => ({ digest: `chunk ${n}`, size: 1000 }))])
		await bytes.set(wanted.digest, filled(100, 0))
		await Promise.all([4, 5, 6].map((n) => bytes.set(`chunk ${n}`, filled(1000, n))))
		expect(notes).toEqual([
			'old 1.0.0 was deleted from storage, to make room',
			'new 1.0.0 was deleted from storage, to make room',
			'the browser refuses to store more; going on from memory',
		])
		for (const n of [4, 5, 6]) expect(await bytes.get(`chunk ${n}`)).toEqual(filled(1000, n))
		expect(await there()).toHaveLength(3)
		expect((await controlOf(versions).list()).map(({ model, complete }) => [model, complete])).toEqual([['next', false]])
	})

	test('room is made before the download, as far as the browser tells', async () => {
		await visited()
		await store(tab({ estimate: async () => ({ quota: 5_000, usage: 3_300 }) }), version('next'), [4, 5])
		expect(notes).toEqual(['old 1.0.0 was deleted from storage, to make room'])
	})

	test('what cannot be had by deleting is not deleted for', async () => {
		await visited()
		const { versions, bytes } = await resilientStorage(
			async () => ({ ...backing, bytes: { ...backing.bytes, set: () => Promise.reject(new Error('the disk is broken')) } }),
			(note) => notes.push(note),
		)
		await versions.hold(version('next'))
		await bytes.set('chunk 4', filled(10, 4))
		expect(notes).toEqual(['storing failed, going on from memory: the disk is broken'])
		expect(await bytes.get('chunk 4')).toHaveLength(10)
		expect(await there()).toContain('chunk 1')
	})
})

describe('what nobody wants', () => {
	test('a version that another one has replaced is deleted; what both have in common stays', async () => {
		const versions = tab()
		await store(versions, version('text', '1.0.0'), [1, 2])
		await store(versions, version('text', '1.1.0'), [2, 3])
		versions.release(version('text', '1.0.0').digest)
		await versions.sweep([version('text', '1.1.0')])
		expect(await there()).toEqual(['chunk 2', 'chunk 3', 'manifest of text 1.1.0'])
	})

	test('but not while a tab uses it', async () => {
		await store(tab({}, 'old tab'), version('text', '1.0.0'), [1])
		const versions = tab()
		await store(versions, version('text', '1.1.0'), [2])
		await versions.sweep([version('text', '1.1.0')])
		expect(await there()).toContain('chunk 1')
		locks.kill('old tab')
		await versions.sweep([version('text', '1.1.0')])
		expect(await there()).not.toContain('chunk 1')
	})

	test('a download that was broken off stays, to be gone on with', async () => {
		await store(tab({}, 'cut'), version('other'), [7])
		locks.kill('cut')
		const versions = tab()
		await store(versions, version('text'), [1])
		await versions.sweep([version('text')])
		expect(await there()).toContain('chunk 7')
	})

	test('bytes of no version are deleted; files beside models are kept, each in its last form', async () => {
		await backing.bytes.set('left over', filled(10, 1))
		const versions = tab()
		expect(await versions.keep('wasm', 'first build')).toBeUndefined()
		await backing.bytes.set('first build', filled(10, 1))
		await versions.sweep([])
		expect(await there()).toEqual(['first build'])
		expect(await versions.keep('wasm', 'second build')).toBe('first build')
		await backing.bytes.set('second build', filled(10, 1))
		expect(await tab().keep('wasm', 'second build')).toBe('second build')
		await versions.sweep([])
		expect(await there()).toEqual(['second build'])
	})

	test('nothing is deleted that could not be written down', async () => {
		const update = () => Promise.reject(new Error('no records'))
		const versions = tab({ records: { ...backing.records, update } })
		await store(versions, version('text'), [1])
		await versions.sweep([version('text')])
		expect(await there()).toContain('chunk 1')
		expect(notes).toContain('what is stored cannot be written down: no records')
	})
})

test('what the browser has deleted is noticed, once, and mended', async () => {
	const versions = tab({}, 'first')
	await store(versions, version('text'), [1, 2, 3])
	await versions.sweep([version('text')])
	locks.kill('first')
	for (const seed of [1, 3]) await backing.bytes.delete(`chunk ${seed}`)
	for (let visit = 0; visit < 2; visit++) await store(tab(), version('text'), [1, 2, 3])
	expect(notes).toEqual(['2 pieces of text are not in storage any more; they are downloaded again'])
	expect(await there()).toHaveLength(4)
})

test('a tab that is frozen while it holds the lock holds nobody up for long', async () => {
	locks.of('frozen').request('spillway storage', () => new Promise(() => {}))
	const versions = tab()
	const start = performance.now()
	await store(versions, version('text'), [1])
	expect(performance.now() - start).toBeLessThan(20_000)
	expect(await there()).toContain('chunk 1')
})

/** What applications see; the first version of each model serves. */
function controlOf(versions: Versions) {
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

describe('what applications see', () => {
	test('the versions, what they take, and when they were used', async () => {
		await visited()
		const now = Date.now()
		const versions = tab()
		await store(versions, version('new', '1.1.0'), [3, 4])
		await backing.bytes.delete('chunk 1')
		expect((await controlOf(versions).list()).sort((a, b) => a.used - b.used)).toEqual([
			{ ...version('old'), bytes: 1_100, complete: false, used: now - 2_000, current: true },
			{ ...version('new'), bytes: 2_100, complete: true, used: now - 1_000, current: true },
			{ ...version('new', '1.1.0'), bytes: 2_100, complete: true, used: now, current: false },
		])
		const { models, kind } = await controlOf(versions).estimate()
		expect({ models, kind }).toEqual({ models: 3_300, kind: 'memory' })
	})

	test('a model is deleted with all its versions, or one of them, whoever uses it', async () => {
		await visited()
		const versions = tab()
		await store(versions, version('new', '1.1.0'), [3, 4])
		const control = controlOf(versions)
		await control.delete('new', '1.0.0')
		expect(control.forgotten).toEqual([version('new').digest])
		expect(await there()).toEqual(['chunk 1', 'chunk 2', 'chunk 3', 'chunk 4', 'manifest of new 1.1.0', 'manifest of old 1.0.0'])
		await control.delete('new')
		await control.delete('none')
		expect(await there()).toEqual(['chunk 1', 'chunk 2', 'manifest of old 1.0.0'])
		await expect(control.delete(undefined as never)).rejects.toMatchObject({ code: 'invalid-input' })
	})

	test('a check finds wrong and missing bytes, and deletes the wrong ones', async () => {
		const versions = tab()
		const bytes = [1, 2, 3].map((seed) => filled(1000, seed))
		const pieces = await Promise.all(bytes.map(async (one) => ({ digest: await digestOf(one), size: 1000 })))
		const [right, wrong, missing] = pieces.map(({ digest }) => digest) as [string, string, string]
		const manifest = await digestOf(filled(100, 0))
		const held = { model: 'text', version: '1.0.0', digest: manifest }
		await versions.hold(held, [{ digest: manifest, size: 100 }, ...pieces])
		await backing.bytes.set(manifest, filled(100, 0))
		await backing.bytes.set(right, filled(1000, 1))
		await backing.bytes.set(wrong, filled(1000, 9))
		const control = controlOf(versions)
		expect(await control.verify('other')).toEqual({ chunks: 0, wrong: 0, missing: 0 })
		expect(await control.verify()).toEqual({ chunks: 4, wrong: 1, missing: 1 })
		expect(await control.verify('text')).toEqual({ chunks: 4, wrong: 0, missing: 2 })
		expect(await there()).toEqual([manifest, right].sort())
		expect(missing).not.toBe(right)
	})
})
