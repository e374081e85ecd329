// Versions, routes and memory on workerd: the suite.

import { afterAll, beforeAll } from 'vitest'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type RunningWorkerd, startWorkerd } from './harness/workerd.ts'
import { versionsSuite } from './suites/versions.ts'
import { versionsConfig, versionsModels } from './suites/versions-under-test.ts'

let packed: PackedFolder
let edge: RunningWorkerd
beforeAll(async () => {
	packed = await packModels(versionsModels())
	edge = await startWorkerd({ config: versionsConfig, models: packed.folder })
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

versionsSuite(() => edge)
