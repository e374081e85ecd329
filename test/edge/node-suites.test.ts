// The edge on Node passes every suite over HTTP.

import { afterAll, beforeAll } from 'vitest'
import { spaceOf } from '../../runtime/core/call.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { allSuites } from './harness/suites.ts'
import { suiteModels, suitesConfig } from './suites/under-test.ts'

let packed: PackedFolder
let edge: RunningNode
beforeAll(async () => {
	packed = await packModels(suiteModels())
	edge = await startNode({ config: suitesConfig, models: packed.folder })
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

allSuites(() => ({ url: edge.url, space: spaceOf('m', packed.models.m?.digest as string, 'fp32') }))
