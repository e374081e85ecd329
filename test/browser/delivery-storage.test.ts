// What was delivered and is spoiled, wiped or refused in the storage of a real browser.

import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { addBig, bigSize } from './delivery-site.ts'
import { context, delivery, models, open, outcome } from './delivery-visit.ts'

beforeAll(() => addBig(models))

/** Flips a byte in the middle of all that this origin has stored. */
const spoilStored = (page: Page): Promise<number> =>
	page.evaluate(async () => {
		let spoiled = 0
		const flip = (buffer: ArrayBuffer) => {
			const bytes = new Uint8Array(buffer)
			bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
			spoiled++
			return bytes
		}
		async function walk(folder: FileSystemDirectoryHandle): Promise<void> {
			for await (const entry of (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
				if (entry.kind === 'directory') await walk(entry as FileSystemDirectoryHandle)
				else {
					const file = entry as FileSystemFileHandle
					const bytes = flip(await (await file.getFile()).arrayBuffer())
					const writable = await file.createWritable()
					await writable.write(bytes)
					await writable.close()
				}
			}
		}
		await walk(await navigator.storage.getDirectory())
		for (const name of await caches.keys()) {
			const cache = await caches.open(name)
			for (const request of await cache.keys()) {
				const response = (await cache.match(request)) as Response
				await cache.put(request, new Response(flip(await response.arrayBuffer()), { headers: response.headers }))
			}
		}
		return spoiled
	})

describe('in storage', () => {
	test('all flipped: noticed, deleted, and fetched again', async () => {
		const first = await open()
		expect(await outcome(first)).toMatchObject({ end: 'works' })
		const fetched = delivery.chunks.length
		await first.evaluate(() => window.runtime.dispose())
		expect(await spoilStored(first)).toBeGreaterThan(2)
		expect(await outcome(await open())).toMatchObject({ end: 'works' })
		expect(delivery.chunks.length).toBe(2 * fetched)
		expect(await outcome(await open())).toMatchObject({ end: 'works' })
		expect(delivery.chunks.length).toBe(2 * fetched)
	})

	test('wiped in the middle of a download: works', async () => {
		const page = await open()
		delivery.pause = 2
		const wiping = new Promise<void>((wiped, failed) => {
			delivery.onSent = () => {
				if (delivery.sent < bigSize / 3) return
				delivery.onSent = undefined
				context
					.newCDPSession(page)
					.then((session) => session.send('Storage.clearDataForOrigin', { origin: delivery.site.origin, storageTypes: 'all' }))
					.then(() => wiped(), failed)
			}
		})
		const loading = outcome(page, 'big-text')
		await wiping
		expect(await loading).toMatchObject({ end: 'works' })
		// What is there now is whole, or mended.
		expect(await outcome(await open(), 'big-text')).toMatchObject({ end: 'works' })
	})

	test('a quota of 25 MB, which is less than all: goes on from memory, and says so', async () => {
		const page = await open()
		const session = await context.newCDPSession(page)
		await session.send('Storage.overrideQuotaForOrigin', { origin: delivery.site.origin, quotaSize: 25e6 })
		const { end, notes } = await outcome(page, 'big-text')
		expect(end).toBe('works')
		expect(notes.join()).toMatch(/refuses to store more|memory/)
		expect(await outcome(await open(), 'big-text')).toMatchObject({ end: 'works' })
	})
})
