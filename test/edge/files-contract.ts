// The contract of every place that an edge reads from: a folder, an S3-compatible bucket, R2.

import { beforeAll, describe, expect, test } from 'vitest'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import type { Files } from '../../edge/catalog/files.ts'
import { piecesOf, streamFile } from '../../edge/catalog/whole-file.ts'
import { digestOf } from '../../models/format/digest.ts'
import { channelPath, chunkPath, manifestPath } from '../../models/format/layout.ts'

export interface FilesUnderTest {
	readonly files: Files
	/** Puts a file there, as whoever owns the place does. */
	put(path: string, bytes: Uint8Array): Promise<void>
}

/**
 * @param make opens the place; it holds the model `layers`, packed.
 * @param digest of the model's manifest.
 */
export function filesContract(make: () => FilesUnderTest, digest: () => string): void {
	let files: Files
	let put: FilesUnderTest['put']
	beforeAll(() => {
		;({ files, put } = make())
	})
	const bytesOf = async (response: Response | null) => response && new Uint8Array(await response.arrayBuffer())

	describe('files', () => {
		test('have their bytes, a length and a validator', async () => {
			const response = (await files.get(manifestPath(digest()))) as Response
			expect(response.status).toBe(200)
			expect(response.headers.get('etag')).toMatch(/^(W\/)?"[^"]+"$/)
			const length = response.headers.get('content-length')
			const bytes = (await bytesOf(response)) as Uint8Array
			if (length !== null) expect(length).toBe(String(bytes.byteLength))
			expect(await digestOf(bytes)).toBe(digest())
		})

		test('that are not there are null', async () => {
			for (const path of [chunkPath('0'.repeat(64)), channelPath('nobody'), 'nowhere', 'chunks'])
				expect(await files.get(path), path).toBeNull()
		})

		test('are not sent to who has them', async () => {
			const path = channelPath('layers')
			const first = (await files.get(path)) as Response
			const etag = first.headers.get('etag') as string
			await first.arrayBuffer()
			const again = (await files.get(path, etag)) as Response
			expect(again.status).toBe(304)
			expect(again.headers.get('etag')).toBe(etag)
			expect((await bytesOf(again))?.byteLength).toBe(0)
			const other = (await files.get(path, '"other"')) as Response
			expect(other.status).toBe(200)
			await other.arrayBuffer()
		})

		test('outside of the place cannot be named', async () => {
			for (const path of [
				'../secret',
				'a/../../b',
				'/etc/passwd',
				'.hidden',
				'chunks/../../x',
				'a\\..\\b',
				'a\0b',
				'%2e%2e/x',
				'',
				'chunks/',
				'chunks',
				'?x',
				'#x',
			])
				expect(await files.get(path), path).toBeNull()
		})

		test('that change have other bytes and another validator', async () => {
			const read = async () => {
				const response = (await files.get('other/channel.jws')) as Response
				return { etag: response.headers.get('etag'), bytes: await bytesOf(response) }
			}
			await put('other/channel.jws', Uint8Array.of(1, 2, 3))
			const before = await read()
			await put('other/channel.jws', Uint8Array.of(4, 5, 6, 7))
			const after = await read()
			expect([before.bytes, after.bytes]).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7)])
			expect(after.etag).not.toBe(before.etag)
		})

		test('many at once', async () => {
			const all = await Promise.all(Array.from({ length: 20 }, () => files.get(manifestPath(digest())).then(bytesOf)))
			for (const bytes of all) expect(await digestOf(bytes as Uint8Array)).toBe(digest())
		})
	})

	describe('the catalogue over them', () => {
		test('gives the whole model, verified', async () => {
			const catalog = createCatalog(files)
			const { channel } = (await catalog.channel('layers')) ?? {}
			expect(channel).toMatchObject({ model: 'layers', manifest: digest() })
			const { manifest } = (await catalog.manifest(digest())) ?? {}
			const file = manifest?.files['weights.bin']
			if (!file) throw new Error('there is no such file')
			expect(piecesOf(file, { start: 0, end: file.size }).length).toBeGreaterThan(3)
			const whole = await new Response(streamFile(catalog, file, { start: 0, end: file.size })).arrayBuffer()
			expect(await digestOf(new Uint8Array(whole))).toBe(file.digest)
			const chunk = file.chunks[0]?.digest as string
			const smaller = await catalog.compressed(chunkPath(chunk), chunk)
			if (smaller) expect(smaller.byteLength).toBeLessThan(64 * 1024)
		})

		test('refuses what is damaged there', async () => {
			const damaged = '1'.repeat(64)
			await put(chunkPath(damaged), Uint8Array.of(1))
			await expect(createCatalog(files).chunk(damaged)).rejects.toMatchObject({ code: 'integrity' })
		})
	})
}
