// Every place that an edge reads from keeps the same contract.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getPlatformProxy, type PlatformProxy } from 'wrangler'
import { openBucket } from '../../edge/catalog/bucket/bucket.ts'
import { bucketFiles } from '../../edge/catalog/bucket/files.ts'
import type { Files } from '../../edge/catalog/files.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import type { R2Bucket } from '../../edge/platform/workerd/bindings.ts'
import { r2 } from '../../edge/platform/workerd/r2.ts'
import { filesContract } from './files-contract.ts'
import { type RunningBucket, startBucket } from './harness/bucket.ts'
import { layers } from './harness/layers.ts'
import { type PackedFolder, packModels } from './harness/models.ts'

let packed: PackedFolder
beforeAll(async () => {
	packed = await packModels([layers('1.0.0', [1, 2, 3, 4])])
})
afterAll(() => packed.remove())

const digest = () => packed.models.layers?.digest as string

/** Every file of the packed folder. */
async function* packedFiles(): AsyncGenerator<{ path: string; bytes: Buffer }> {
	for (const entry of await readdir(packed.folder, { recursive: true, withFileTypes: true }))
		if (entry.isFile()) {
			const file = join(entry.parentPath, entry.name)
			yield { path: file.slice(packed.folder.length + 1), bytes: await readFile(file) }
		}
}

describe('a folder', () => {
	const put = async (path: string, bytes: Uint8Array) => {
		await mkdir(dirname(join(packed.folder, path)), { recursive: true })
		await writeFile(join(packed.folder, path), bytes)
	}
	filesContract(() => ({ files: folder(packed.folder), put }), digest)
})

describe('an S3-compatible bucket', () => {
	let bucket: RunningBucket
	let files: Files
	beforeAll(async () => {
		bucket = await startBucket()
		files = bucketFiles(openBucket({ ...bucket.options, prefix: 'a/b' }))
		for await (const { path, bytes } of packedFiles()) bucket.objects.set(`a/b/${path}`, { bytes, headers: {} })
	})
	afterAll(() => bucket.close())

	const put = async (path: string, bytes: Uint8Array) => {
		bucket.objects.set(`a/b/${path}`, { bytes: Buffer.from(bytes), headers: {} })
	}
	filesContract(() => ({ files, put }), digest)

	describe('that fails', () => {
		const given = (more = {}) => bucketFiles(openBucket({ ...bucket.options, ...more })).get('layers/channel.jws')

		test('once or twice is asked again', async () => {
			let times = 0
			bucket.fault = () => ['cut', 503][times++] as 'cut' | 503 | undefined
			expect((await files.get('layers/channel.jws'))?.status).toBe(200)
			expect(times).toBe(3)
			bucket.fault = undefined
		})

		test('for good says what it said', async () => {
			bucket.fault = () => 503
			await expect(files.get('layers/channel.jws')).rejects.toMatchObject({
				code: 'upstream',
				message: expect.stringContaining('HTTP 503 SlowDown: This is SlowDown.'),
			})
			bucket.fault = () => 'cut'
			await expect(files.get('layers/channel.jws')).rejects.toMatchObject({
				code: 'network',
				message: expect.stringContaining('after 4 tries'),
			})
			bucket.fault = undefined
		})

		test('for want of the right key, or bucket, is not taken for one that is empty', async () => {
			await expect(given({ secretAccessKey: 'wrong' })).rejects.toMatchObject({
				code: 'upstream',
				message: expect.stringContaining('SignatureDoesNotMatch'),
			})
			await expect(given({ accessKeyId: 'AKIDOTHER' })).rejects.toMatchObject({ message: expect.stringContaining('InvalidAccessKeyId') })
			await expect(given({ name: 'elsewhere' })).rejects.toMatchObject({
				code: 'not-found',
				message: expect.stringContaining('there is no such bucket'),
			})
			expect(() => openBucket({ ...bucket.options, endpoint: 'localhost:9000' })).toThrow(expect.objectContaining({ code: 'malformed' }))
			expect(() => openBucket({ ...bucket.options, endpoint: 'https://me:secret@localhost:9000' })).toThrow(/holds a name or a password/)
			expect(() => openBucket({ ...bucket.options, prefix: '../other' })).toThrow(expect.objectContaining({ code: 'malformed' }))
		})

		test('because nobody answers is not waited for', async () => {
			bucket.fault = () => 'cut'
			await expect(given({ endpoint: 'http://127.0.0.1:1', attempts: 2, patience: 500 })).rejects.toMatchObject({ code: 'network' })
			bucket.fault = undefined
		})
	})
})

describe('an R2 bucket that a Worker is bound to', () => {
	type Bound = R2Bucket & { put(key: string, bytes: Uint8Array): Promise<unknown> }
	let proxy: PlatformProxy<{ CATALOG: Bound }>
	beforeAll(async () => {
		const configPath = join(packed.folder, '..', 'wrangler.toml')
		await writeFile(configPath, '[[r2_buckets]]\nbinding = "CATALOG"\nbucket_name = "models"\n')
		proxy = await getPlatformProxy({ configPath, persist: false, remoteBindings: false })
		for await (const { path, bytes } of packedFiles()) await proxy.env.CATALOG.put(path, bytes)
	}, 60_000)
	afterAll(() => proxy?.dispose())

	const put = async (path: string, bytes: Uint8Array) => {
		await proxy.env.CATALOG.put(path, bytes)
	}
	filesContract(() => ({ files: r2(proxy.env.CATALOG), put }), digest)
})
