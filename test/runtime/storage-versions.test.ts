// Which versions are stored: what nobody wants goes, and what the browser has deleted is noticed.

import { describe, expect, test } from 'vitest'
import { backing, filled, locks, notes, store, tab, there, version } from './storage-tabs.ts'

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
