// Several tabs that download the same: each part is fetched by one of them.

import { describe, expect, test } from 'vitest'
import { alone } from '../../runtime/store/alone.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'
import type { Storage } from '../../runtime/store/storage/storage.ts'
import { error, inFlight, model, noise, read, server, size, verifies } from './store-reading.ts'

describe('several tabs', () => {
	/** As a browser's storage is, that all tabs share. */
	const shared = (): Storage => {
		const inner = memoryStorage()
		return { ...inner, bytes: { ...inner.bytes, kind: 'cache' } }
	}

	test('five at once fetch each chunk once', async () => {
		const into = shared()
		const versions = await Promise.all(Array.from({ length: 5 }, () => read({ into })))
		for (const { files } of versions) expect(files.get('graph.onnx')).toEqual(noise)
		expect(server.sent).toBe(size + model.bytes.length)
		expect(versions.reduce((sum, { bytes }) => sum + bytes.stored, 0)).toBe(4 * size)
	})

	test('one that is given up leaves its part to the others', async () => {
		const into = shared()
		const life = new AbortController()
		const first = error(read({ into, signal: life.signal, onProgress: ({ loaded }) => loaded > size / 2 && life.abort() }))
		const second = read({ into })
		expect(await first).toMatchObject({ code: 'aborted' })
		await verifies(second)
		expect(server.sent).toBeLessThanOrEqual(size + model.bytes.length + inFlight)
	})

	test('a holder that does not answer is not waited for', async () => {
		const held = new AbortController()
		const holding = navigator.locks.request('frozen', () => new Promise((end) => held.signal.addEventListener('abort', end)))
		expect(await alone('frozen', new AbortController().signal, async () => 'done', { silence: 100 })).toBe('done')
		const life = new AbortController()
		const waiting = error(alone('frozen', life.signal, async () => 'done', { silence: 5000 }))
		life.abort()
		expect(await waiting).toMatchObject({ code: 'aborted' })
		held.abort()
		await holding
	})

	test('a holder that answers is waited for only so long', async () => {
		const { signal } = new AbortController()
		const held = new AbortController()
		const holding = alone('patient', signal, () => new Promise((end) => held.signal.addEventListener('abort', end)))
		expect(await alone('patient', signal, async () => 'beside it', { limit: 100 })).toBe('beside it')
		held.abort()
		await holding
	})

	test('a holder that answers is waited for, and its failure is its own', async () => {
		const { signal } = new AbortController()
		let ended = false
		const work = async () => {
			await new Promise((done) => setTimeout(done, 400))
			ended = true
			return 'slow'
		}
		const slow = alone('slow', signal, work, { silence: 100 })
		const next = alone('slow', signal, async () => ended, { silence: 100 })
		expect(await slow).toBe('slow')
		expect(await next).toBe(true)
		const failing = alone('slow', signal, async () => Promise.reject(new Error('mine')))
		const other = alone('slow', signal, async () => 'done')
		await expect(failing).rejects.toThrow('mine')
		expect(await other).toBe('done')
	})
})
