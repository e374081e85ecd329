// The edge on Node with its models in an S3-compatible bucket: published to while it serves, and away now and then.

import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBucket } from '../../edge/catalog/bucket/bucket.ts'
import { bucketTarget } from '../../edge/cli/publish/bucket.ts'
import { publish } from '../../edge/cli/publish/publish.ts'
import type { EdgeConfigInput } from '../../edge/config/schema.ts'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { catalogSuite } from './catalog-suite.ts'
import { type RunningBucket, startBucket } from './harness/bucket.ts'
import { temporaryFolder } from './harness/folder.ts'
import { context, edgeAt } from './harness/minilm.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { expectRing } from './harness/ring.ts'
import { embedCall } from './harness/tiny-text.ts'
import { suiteConfig } from './suites/under-test.ts'

const folder = temporaryFolder()

let bucket: RunningBucket
let packed: PackedFolder
let key: SigningKey
let edge: RunningNode
beforeAll(async () => {
	bucket = await startBucket()
	const description = textDescription('1.0.0')
	packed = await packModels([await makeRing(join(folder.path, 'ring')), { description, files: filesOf(description) }])
	await publishNow()
	key = await generateSigningKey()
	const { endpoint, name, accessKeyId, secretAccessKey } = bucket.options
	const config: EdgeConfigInput = {
		...suiteConfig,
		models: { ring: {}, 'tiny-text': {} },
		modelsBucket: { name, endpoint, prefix: 'edge', accessKeyId: { env: 'BUCKET_ID' }, secretAccessKey: { env: 'BUCKET_SECRET' } },
	}
	const secrets = { BUCKET_ID: accessKeyId, BUCKET_SECRET: secretAccessKey, SPILLWAY_SIGNING_KEY: JSON.stringify(key) }
	edge = await startNode({ config, secrets })
})
afterAll(async () => {
	await edge?.close()
	await bucket?.close()
	await packed?.remove()
})

const publishNow = () => publish(packed.folder, bucketTarget(openBucket({ ...bucket.options, prefix: 'edge' })))

const versionThatAnswers = async () => (await edgeAt(edge.url).infer(embedCall(), context())).ran.version

catalogSuite(() => ({ url: edge.url, packed, trust: key.x }), { model: 'ring', file: 'ring-weights.bin' })

test('a model of the bucket runs here', () => expectRing(edge.url, 'cpu'))

test('a version that is published while it serves takes over, and no call is lost; then the bucket goes away, and it goes on', async () => {
	expect(await versionThatAnswers()).toBe('1.0.0')
	const description = textDescription('1.0.1')
	await pack(await writeSource(join(folder.path, 'next'), { description, files: filesOf(description) }), packed.folder, { key: packed.key })
	await publishNow()
	await expect.poll(versionThatAnswers, { timeout: 20_000, interval: 250 }).toBe('1.0.1')

	const [chunk] = await chunksOf()
	bucket.fault = () => 'cut'
	expect(await versionThatAnswers()).toBe('1.0.1')
	expect((await fetch(`${edge.url}/models/tiny-text/channel.jws`)).status).toBe(200)
	const response = await fetch(`${edge.url}/models/chunks/${chunk}`)
	expect(response.status).toBe(502)
	expect(response.headers.get('cache-control')).toBe('no-store')
	bucket.fault = undefined
	expect((await fetch(`${edge.url}/models/chunks/${chunk}`)).status).toBe(200)
})

const chunksOf = async () => [...bucket.objects.keys()].flatMap((path) => /^edge\/chunks\/([0-9a-f]{64})$/.exec(path)?.slice(1) ?? [])
