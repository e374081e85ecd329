// Distribution and pages by the edge on workerd, which signs with a key from a secret.

import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { generateSigningKey, type SigningKey } from '../../models/format/keys.ts'
import { makeRing } from '../fixtures/ring/make.ts'
import { catalogSuite } from './catalog-suite.ts'
import { temporaryFolder } from './harness/folder.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { expectRing } from './harness/ring.ts'
import { type RunningWorkerd, startWorkerd } from './harness/workerd.ts'
import { pagesSuite } from './pages-suite.ts'
import { suiteConfig } from './suites/under-test.ts'

const folder = temporaryFolder()

let packed: PackedFolder
let key: SigningKey
let edge: RunningWorkerd
beforeAll(async () => {
	packed = await packModels([await makeRing(join(folder.path, 'ring'))])
	key = await generateSigningKey()
	edge = await startWorkerd({
		config: { ...suiteConfig, models: { ring: {} } },
		models: packed.folder,
		secrets: { SPILLWAY_SIGNING_KEY: JSON.stringify(key) },
	})
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

catalogSuite(() => ({ url: edge.url, packed, trust: key.x }), { model: 'ring', file: 'ring-weights.bin' })
pagesSuite(() => ({ url: edge.url, trust: key.x }))

test('raw tensors of a model without task or batch are answered', () => expectRing(edge.url, 'wasm'))
