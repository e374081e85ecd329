// Publishing into a folder, and into an S3-compatible bucket that fails in every way that it can.

import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBucket } from '../../edge/catalog/bucket/bucket.ts'
import { bucketFiles } from '../../edge/catalog/bucket/files.ts'
import { bucketTarget } from '../../edge/cli/publish/bucket.ts'
import { folderTarget } from '../../edge/cli/publish/folder.ts'
import { publish } from '../../edge/cli/publish/publish.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import { verify } from '../../models/tools/pack/verify.ts'
import { type RunningBucket, startBucket } from './harness/bucket.ts'
import { temporaryFolder } from './harness/folder.ts'
import { layers } from './harness/layers.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { publishSuite } from './publish-suite.ts'

const scratch = temporaryFolder()
let count = 0

describe('into a folder', () => {
	publishSuite(async () => {
		const root = join(scratch.path, `place-${count++}`)
		return {
			target: () => folderTarget(root),
			files: () => folder(root),
			damage: (path) => writeFile(join(root, path), 'damaged'),
		}
	})

	test('from the address at which models are served', async () => {
		const packed = await packModels([layers('1.0.0', [1, 2])])
		const server = createServer(async (request, response) => {
			const body = await readFile(join(packed.folder, request.url ?? '')).catch(() => null)
			response.writeHead(body ? 200 : 404).end(body)
		})
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		const { port } = server.address() as AddressInfo
		const root = join(scratch.path, 'from-address')
		await publish(`http://127.0.0.1:${port}/`, folderTarget(root), { models: ['layers'] })
		expect((await verify(root, { trust: [packed.key.x] })).flatMap(({ problems }) => problems)).toEqual([])
		await new Promise((resolve) => server.close(resolve))
		await packed.remove()
	})

	test('leaves nothing beside it, and removes what a publisher that was killed long ago has left', async () => {
		const root = join(scratch.path, 'swept')
		await mkdir(root)
		for (const [name, days] of [
			['.publish-old', 2],
			['.publish-new', 0],
		] as const) {
			await writeFile(join(root, name), '')
			const time = new Date(Date.now() - days * 86_400_000)
			await utimes(join(root, name), time, time)
		}
		const packed = await packModels([layers('1.0.0', [1])])
		await publish(packed.folder, folderTarget(root))
		expect((await readdir(root)).sort()).toEqual(['.publish-new', 'chunks', 'layers', 'manifests'])
		expect(await readdir(join(root, 'layers'))).toEqual(['channel.jws'])
		await packed.remove()
	})

	test('a lock that stays is told by its name', async () => {
		const root = join(scratch.path, 'locked')
		await mkdir(join(root, 'layers'), { recursive: true })
		await writeFile(join(root, 'layers/channel.jws.lock'), '')
		const packed = await packModels([layers('1.0.0', [1])])
		await expect(publish(packed.folder, folderTarget(root, { patience: 100 }))).rejects.toMatchObject({
			code: 'unavailable',
			message: expect.stringContaining('channel.jws.lock is there'),
		})
		await packed.remove()
	})
})

describe('into an S3-compatible bucket', () => {
	let bucket: RunningBucket
	beforeAll(async () => {
		bucket = await startBucket()
	})
	afterAll(() => bucket.close())
	beforeEach(() => {
		Object.assign(bucket, { fault: undefined, conditions: 'held' })
	})
	const target = (prefix: string, more = {}) => bucketTarget(openBucket({ ...bucket.options, prefix, ...more }))

	publishSuite(async () => {
		const prefix = `place-${count++}`
		return {
			target: () => target(prefix),
			files: () => bucketFiles(openBucket({ ...bucket.options, prefix })),
			async damage(path) {
				const there = bucket.objects.get(`${prefix}/${path}`)
				if (!there) throw new Error(`${path} is not there`)
				// Of the same size.
				there.bytes = Buffer.alloc(there.bytes.byteLength, 7)
			},
		}
	})

	describe('that is not as it should be', () => {
		let packed: PackedFolder
		let prefix: string
		beforeEach(async () => {
			packed = await packModels([layers('1.0.0', [1, 2, 3, 4, 5])])
			prefix = `faulty-${count++}`
		})
		afterEach(() => packed.remove())

		test('objects say how they are to be served', async () => {
			await publish(packed.folder, target(prefix))
			const kinds = [...bucket.objects]
				.filter(([path]) => path.startsWith(prefix))
				.map(([path, { headers }]) => [path.split('/')[1], headers] as const)
			for (const [name, headers] of kinds)
				expect(headers['cache-control']).toBe(name === 'layers' ? 'no-cache' : 'public, max-age=31536000, immutable')
			expect(Object.fromEntries(kinds).layers?.['content-type']).toBe('application/jose')
		})

		test('every fifth request failing delays, and no more', async () => {
			let asked = 0
			bucket.fault = () => (asked++ % 5 === 4 ? (['cut', 'lost', 500, 503, 429] as const)[Math.floor(asked / 5) % 5] : undefined)
			const [published] = await publish(packed.folder, target(prefix))
			expect(published).toMatchObject({ changed: true, exclusive: true })
			bucket.fault = undefined
			expect(await publish(packed.folder, target(prefix))).toMatchObject([{ missing: 0, changed: false }])
		})

		test('the answer to the channel being lost is no failure', async () => {
			let lost = 0
			bucket.fault = ({ method, path }) => (method === 'PUT' && path.endsWith('channel.jws') && lost++ === 0 ? 'lost' : undefined)
			expect(await publish(packed.folder, target(prefix))).toMatchObject([{ changed: true }])
			expect(lost).toBe(2)
		})

		test('bytes that change on the way in are not stored', async () => {
			const honest = openBucket({ ...bucket.options, prefix })
			const altering = bucketTarget({
				...honest,
				send: (method, path, request = {}) =>
					honest.send(method, path, {
						...request,
						...(request.body && { body: { ...request.body, bytes: request.body.bytes.map((byte) => byte ^ 1) } }),
					}),
			})
			await expect(publish(packed.folder, altering)).rejects.toMatchObject({
				code: 'upstream',
				message: expect.stringContaining('XAmzContentSHA256Mismatch'),
			})
			expect([...bucket.objects.keys()].filter((path) => path.startsWith(prefix))).toEqual([])
		})

		test.each(['ignored', 'refused'] as const)('conditions that are %s are told', async (conditions) => {
			bucket.conditions = conditions
			expect(await publish(packed.folder, target(prefix))).toMatchObject([{ changed: true, exclusive: false }])
			expect(await publish(packed.folder, target(prefix), { key: packed.key, now: Date.now() + 5000 })).toMatchObject([{ changed: true }])
		})

		test('a wrong key, a bucket that is not there, and one that is down are told as what they are', async () => {
			const to = (more: object) => publish(packed.folder, target(prefix, { attempts: 2, ...more }))
			await expect(to({ secretAccessKey: 'x' })).rejects.toMatchObject({
				code: 'upstream',
				message: expect.stringContaining('SignatureDoesNotMatch'),
			})
			await expect(to({ name: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' })
			bucket.fault = () => 503
			await expect(to({})).rejects.toMatchObject({ code: 'upstream', message: expect.stringContaining('503') })
		})

		test('a channel there that cannot be read is left alone', async () => {
			bucket.objects.set(`${prefix}/layers/channel.jws`, { bytes: Buffer.from('torn'), headers: {} })
			await expect(publish(packed.folder, target(prefix))).rejects.toMatchObject({ code: 'malformed' })
			expect(bucket.objects.get(`${prefix}/layers/channel.jws`)?.bytes.toString()).toBe('torn')
		})

		test('what is there is looked at, not fetched', async () => {
			await publish(packed.folder, target(prefix))
			bucket.requests.length = 0
			await publish(packed.folder, target(prefix))
			expect(bucket.requests.filter((request) => request.startsWith('GET'))).toEqual([`GET ${prefix}/layers/channel.jws`])
			expect((await readFile(join(packed.folder, 'layers/channel.jws'))).byteLength).toBeGreaterThan(0)
		})
	})
})
