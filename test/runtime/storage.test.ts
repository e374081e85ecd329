// Storage: what each kind must do, and loads that go on from memory when it fails.

import { describe, expect, test, vi } from 'vitest'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import { resilientStorage } from '../../runtime/store/storage/resilient.ts'
import type { Backing, Storage } from '../../runtime/store/storage/storage.ts'
import { storageContract } from './store-contract.ts'
import { load, storeFor } from './store-loading.ts'

storageContract('memory', async () => memoryStorage())
storageContract('resilient', () =>
	resilientStorage(
		async () => memoryStorage(),
		() => {},
	),
)

describe('storage that fails', () => {
	/** A browser's storage after its quota is used up, or broken. */
	const failing = (error: Error): Backing => {
		const inner = memoryStorage()
		const fail = async () => {
			throw error
		}
		return { records: { ...inner.records, set: fail }, bytes: { ...inner.bytes, set: fail } }
	}
	const quota = () => new DOMException('no more', 'QuotaExceededError')

	test('full: goes on from memory, and says so once', async () => {
		const notes: string[] = []
		const resilient = await resilientStorage(
			async () => failing(quota()),
			(note) => notes.push(note),
		)
		const store = storeFor({ storage: resilient })
		expect((await load(store)).bytes.stored).toBe(0)
		expect(notes).toEqual(['the browser refuses to store more; going on from memory'])
		// A worker that is replaced finds its bytes.
		expect((await load(store, undefined, { network: 'none' })).bytes.stored).toBeGreaterThan(0)
	})

	test('refused altogether, as in a private window', async () => {
		const notes: string[] = []
		const resilient = await resilientStorage(
			async () => {
				throw new DOMException('The operation is insecure.', 'SecurityError')
			},
			(note) => notes.push(note),
		)
		expect((await load(storeFor({ storage: resilient }))).bytes.stored).toBe(0)
		expect(notes).toEqual([expect.stringContaining('The operation is insecure')])
	})

	test('unreadable: fetched again', async () => {
		const notes: string[] = []
		const inner = memoryStorage()
		const broken: Storage = {
			...inner,
			bytes: {
				...inner.bytes,
				get: async () => {
					throw new DOMException('gone', 'InvalidStateError')
				},
			},
		}
		const resilient = await resilientStorage(
			async () => broken,
			(note) => notes.push(note),
		)
		await load(storeFor({ storage: resilient }))
		expect((await load(storeFor({ storage: resilient }))).bytes.stored).toBe(0)
		expect(notes).toEqual(['stored data cannot be read: gone'])
	})

	test('silent in mid-run: goes on from memory, waits once, and comes back when it answers', async () => {
		const notes: string[] = []
		const inner = memoryStorage()
		let silent = false
		let asked = 0
		const mute = async <T>(work: () => Promise<T>): Promise<T> => {
			asked++
			if (silent) await new Promise<void>((resolve) => waiting.push(resolve))
			return work()
		}
		const waiting: (() => void)[] = []
		const { bytes, versions } = await resilientStorage(
			async () => ({
				...inner,
				bytes: {
					...inner.bytes,
					get: (digest) => mute(() => inner.bytes.get(digest)),
					set: (...one) => mute(() => inner.bytes.set(...one)),
				},
			}),
			(note) => notes.push(note),
		)
		const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string]
		const value = Uint8Array.of(1, 2, 3)
		await bytes.set(one, value)
		silent = true
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
		try {
			const getting = bytes.get(one)
			await vi.advanceTimersByTimeAsync(10_000)
			expect(await getting).toBe(undefined)
			// No timer is advanced: nothing is waited for.
			await bytes.set(two, value)
			expect(await bytes.get(two)).toEqual(value)
			expect(asked).toBe(2)
			expect(versions.refuses(two)).toBe(true)
			expect(notes).toEqual([
				expect.stringMatching(/^stored data cannot be read: .* has not answered for 10 s$/),
				expect.stringMatching(/^storing failed, going on from memory: .* has not answered for 10 s$/),
			])
			silent = false
			for (const go of waiting) go()
			await vi.advanceTimersByTimeAsync(0)
			await bytes.set(three, value)
			expect(await inner.bytes.get(three)).toEqual(value)
		} finally {
			vi.useRealTimers()
		}
	})
})
