// The Worker with its models in R2: published to while it serves.

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bucketFiles } from '../../edge/catalog/bucket/files.ts'
import { bucketTarget } from '../../edge/cli/publish/bucket.ts'
import { publish } from '../../edge/cli/publish/publish.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { verify } from '../../models/tools/pack/verify.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { filesContract } from './files-contract.ts'
import { temporaryFolder } from './harness/folder.ts'
import { layers } from './harness/layers.ts'
import { context, edgeAt } from './harness/minilm.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'
import { type RunningR2, startR2 } from './harness/r2.ts'
import { expectRing } from './harness/ring.ts'
import { embedCall } from './harness/tiny-text.ts'
import { suiteConfig } from './suites/under-test.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const folder = temporaryFolder()

let key: SigningKey
let packed: PackedFolder
let edge: RunningR2
beforeAll(async () => {
	const description = textDescription('1.0.0')
	packed = await packModels([
		await makeRing(join(folder.path, 'ring')),
		{ description, files: filesOf(description) },
		layers('1.0.0', [1, 2, 3, 4]),
	])
	key = await generateSigningKey()
	edge = await startR2({
		config: { ...suiteConfig, models: { ring: {}, 'tiny-text': {} } },
		secrets: { SPILLWAY_SIGNING_KEY: JSON.stringify(key) },
	})
	// Into the empty bucket of an edge that runs already.
	await publishNow()
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

const publishNow = () => publish(packed.folder, bucketTarget(edge.bucket()))

test('everything in the bucket is handed out, under channels of its own', async () => {
	const verified = await verify(`${edge.url}/models`, { trust: [key.x], models: ['ring', 'tiny-text', 'layers'] })
	expect(verified.flatMap(({ problems }) => problems)).toEqual([])
	const file = await fetch(`${edge.url}/models/ring/1.0.0/files/ring-weights.bin`, { headers: { range: 'bytes=5-9' } })
	expect([file.status, (await file.arrayBuffer()).byteLength]).toEqual([206, 5])
	expect((await fetch(`${edge.url}/models/chunks/${'0'.repeat(64)}`)).status).toBe(404)
})

test('a model of the bucket runs here', () => expectRing(edge.url, 'wasm'))

test('a version that is published while it serves takes over, and no call is lost', async () => {
	const version = async () => (await edgeAt(edge.url).infer(embedCall(), context())).ran.version
	expect(await version()).toBe('1.0.0')
	const description = textDescription('1.0.1')
	await pack(await writeSource(join(folder.path, 'next'), { description, files: filesOf(description) }), packed.folder, { key: packed.key })
	expect((await publishNow()).map(({ model, exclusive, changed }) => ({ model, exclusive, changed }))).toEqual([
		{ model: 'layers', exclusive: true, changed: false },
		{ model: 'ring', exclusive: true, changed: false },
		{ model: 'tiny-text', exclusive: true, changed: true },
	])
	await expect.poll(version, { timeout: 30_000, interval: 250 }).toBe('1.0.1')
})

describe("R2's S3", () => {
	filesContract(
		() => ({
			files: bucketFiles(edge.bucket()),
			put: (path, bytes) =>
				bucketTarget(edge.bucket()).write({ path, bytes: bytes.slice(), kind: { type: 'application/octet-stream', cache: 'no-cache' } }),
		}),
		() => packed.models.layers?.digest as string,
	)
})
