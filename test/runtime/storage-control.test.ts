// What applications see of storage, and do to it.

import { describe, expect, test } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import { backing, controlOf, filled, store, tab, there, version, visited } from './storage-tabs.ts'

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
