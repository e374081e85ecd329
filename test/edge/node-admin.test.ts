// Versions, routes and memory on Node: the suite, and what lasts longer than a process.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createEdge } from '../../edge/app.ts'
import { createCatalog } from '../../edge/catalog/catalog.ts'
import { loadConfig } from '../../edge/config/load.ts'
import { folder } from '../../edge/platform/node/folder.ts'
import { inProcess } from '../../edge/platform/node/in-process.ts'
import { servedModels } from '../../edge/platform/served.ts'
import { memoryComparisons } from '../../edge/versions/comparisons.ts'
import { memoryRoutes } from '../../edge/versions/state.ts'
import { pack } from '../../models/tools/pack/pack.ts'
import { temporaryFolder } from './harness/folder.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { scaled } from './harness/scaled.ts'
import { localParts } from './local.ts'
import { versionsSuite } from './suites/versions.ts'
import { ask, manage, versionKeys, versionsConfig, versionsModels } from './suites/versions-under-test.ts'

const scratch = temporaryFolder()

let packed: PackedFolder
let edge: RunningNode
const state = join(scratch.path, 'state')
const start = () => startNode({ config: versionsConfig, models: packed.folder, state })

beforeAll(async () => {
	packed = await packModels(versionsModels())
	edge = await start()
})
afterAll(async () => {
	await edge?.close()
	await packed?.remove()
})

versionsSuite(() => edge)

test('the memory for models is kept to', async () => {
	const { body } = await manage(edge.url, 'GET', '/models')
	const { limit, used } = body.memory as { limit: number; used: number }
	expect(used).toBeGreaterThan(0)
	expect(used).toBeLessThanOrEqual(limit)
})

test('many calls to more models than there is room for are all answered', async () => {
	const paths = Array.from({ length: 60 }, (_, at) => `rare-${'abcd'[at % 4]}`)
	const all = await Promise.all(paths.map((path) => ask(edge.url, { path })))
	expect(all.filter(({ status }) => status !== 200)).toEqual([])
})

test('a change outlives the process', async () => {
	await manage(edge.url, 'PUT', '/models/numbers/routing', { split: [{ version: '1.1.0', weight: 1 }] })
	await edge.close()
	edge = await start()
	expect(await ask(edge.url)).toMatchObject({ version: '1.1.0', route: 'weight 1 of 1' })
	const lines = (await readFile(join(state, 'routes.json.log'), 'utf8')).trim().split('\n')
	expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ action: 'route', by: 'admin', model: 'numbers' })
	await manage(edge.url, 'DELETE', '/models/numbers/routing')
})

test('after the channel has moved, roll-back goes to the version before, until the routing is changed again', async () => {
	const catalog = createCatalog(folder(packed.folder), { refresh: 0 })
	const config = loadConfig({ file: versionsConfig })
	const [routes, comparisons] = [memoryRoutes(), memoryComparisons()]
	const models = servedModels({
		config,
		catalog,
		where: packed.folder,
		provider: 'cpu',
		inProcess: (version) => inProcess(version, { catalog, cache: join(scratch.path, 'cache') }),
		upstreams: async () => [],
		routes,
	})
	onTestFinished(() => models.dispose())
	const app = createEdge({ ...(await localParts()), config, models, admin: { models, routes, comparisons, memory: null } })
	const headers = { authorization: `Bearer ${versionKeys.admin}` }
	const asked = (method: string, path: string) => app.request(`http://localhost/admin/models/numbers${path}`, { method, headers })
	const answers = async () => (await models.get('numbers'))?.version

	expect(await answers()).toBe('2.0.0')
	await (await models.get('numbers'))?.ready()
	const source = scaled({ model: 'numbers', version: '2.0.1', factor: 21 })
	await pack(await writeSource(join(scratch.path, 'next'), source), packed.folder, { key: packed.key })
	await expect.poll(answers).toBe('2.0.1')
	expect((await asked('POST', '/roll-back')).status).toBe(200)
	expect(await answers()).toBe('2.0.0')
	// Once more would go who knows where.
	const again = await asked('POST', '/roll-back')
	expect(again.status).toBe(400)
	expect(await again.json()).toMatchObject({ detail: expect.stringContaining('rolled back already') })
	await asked('DELETE', '/routing')
	expect(await answers()).toBe('2.0.1')
})
