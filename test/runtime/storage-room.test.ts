// Room in storage: what goes to make some, what stays whoever wants it, and what does not fit.

import { describe, expect, test, vi } from 'vitest'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import type { Backing } from '../../runtime/store/storage/storage.ts'
import { backing, controlOf, filled, locks, notes, store, tab, there, version, visited } from './storage-tabs.ts'

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
