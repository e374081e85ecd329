// What every kind of storage must do. Runs in Node over memory, and in browsers over theirs.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Backing } from '../../runtime/store/storage/storage.ts'

const digest = 'a'.repeat(64)
const other = 'b'.repeat(64)

/** @param open gives an empty storage. */
export function storageContract(name: string, open: () => Promise<Backing>): void {
	describe(`${name} storage`, () => {
		let storage: Backing
		beforeEach(async () => {
			storage = await open()
		})

		test('what was not set is not there', async () => {
			expect(await storage.records.get('key')).toBeUndefined()
			expect(await storage.bytes.get(digest)).toBeUndefined()
			expect(await storage.bytes.keys()).toEqual([])
		})

		test('records are kept as they were when set', async () => {
			const record = { good: { digest, serial: 3 }, list: [1, 'two', null] }
			await storage.records.set('key', record)
			record.good.serial = 4
			expect(await storage.records.get('key')).toEqual({ good: { digest, serial: 3 }, list: [1, 'two', null] })
			await storage.records.set('key', 'another')
			expect(await storage.records.get('key')).toBe('another')
			await storage.records.delete('key')
			expect(await storage.records.get('key')).toBeUndefined()
		})

		test('records can be changed without anybody coming in between', async () => {
			const add = (count: number | undefined) => (count ?? 0) + 1
			await Promise.all(Array.from({ length: 20 }, () => storage.records.update('count', add)))
			expect(await storage.records.get('count')).toBe(20)
		})

		test('bytes are kept exactly, and reading gives a copy that may be handed over', async () => {
			const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251)
			await storage.bytes.set(digest, bytes)
			bytes[0] = 255
			const read = await storage.bytes.get(digest)
			expect(read).toHaveLength(100_000)
			expect(read?.[0]).toBe(0)
			expect(read?.[99_999]).toBe(99_999 % 251)
			structuredClone(read, { transfer: [read?.buffer as ArrayBuffer] })
			expect(await storage.bytes.get(digest)).toHaveLength(100_000)
		})

		test('a view is kept without what is around it, and nothing is kept as nothing', async () => {
			await storage.bytes.set(digest, new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4))
			expect(await storage.bytes.get(digest)).toEqual(Uint8Array.of(1, 2, 3))
			await storage.bytes.set(other, new Uint8Array())
			expect(await storage.bytes.get(other)).toHaveLength(0)
		})

		test('what is set again is what was set last, also when it is shorter', async () => {
			await storage.bytes.set(digest, Uint8Array.of(1, 2, 3))
			await storage.bytes.set(digest, Uint8Array.of(4))
			expect(await storage.bytes.get(digest)).toEqual(Uint8Array.of(4))
			expect(await storage.bytes.keys()).toEqual([digest])
		})

		test('many may read and write at a time, the same bytes, too', async () => {
			const value = Uint8Array.from({ length: 5_000 }, (_, index) => index % 241)
			await Promise.all(Array.from({ length: 6 }, () => storage.bytes.set(digest, value)))
			const read = await Promise.all(
				Array.from({ length: 6 }, async (_, index) => {
					if (index % 2) await storage.bytes.set(digest, value)
					return storage.bytes.get(digest)
				}),
			)
			for (const bytes of read) expect(bytes).toEqual(value)
			expect(await storage.bytes.keys()).toEqual([digest])
		})

		test('tells what is there', async () => {
			for (const one of [digest, other]) await storage.bytes.set(one, Uint8Array.of(1))
			expect((await storage.bytes.keys()).sort()).toEqual([digest, other])
			await storage.bytes.delete(digest)
			expect(await storage.bytes.keys()).toEqual([other])
		})

		test('deleting is allowed of what is not there', async () => {
			await storage.bytes.set(digest, Uint8Array.of(1))
			await storage.bytes.delete(digest)
			await storage.bytes.delete(digest)
			await storage.records.delete('none')
			expect(await storage.bytes.get(digest)).toBeUndefined()
		})
	})
}
