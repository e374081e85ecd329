// Versions, routes and memory on Node: the suite, and what lasts longer than a process.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pack } from '../../models/tools/pack/pack.ts'
import { temporaryFolder } from './harness/folder.ts'
import { type PackedFolder, packModels, writeSource } from './harness/models.ts'
import { type RunningNode, startNode } from './harness/node.ts'
import { scaled } from './harness/scaled.ts'
import { ask, manage, versionsConfig, versionsModels, versionsSuite } from './suites/versions.ts'

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
	await expect.poll(async () => (await ask(edge.url)).version, { timeout: 10_000 }).toBe('2.0.0')
	const source = scaled({ model: 'numbers', version: '2.0.1', factor: 21 })
	await pack(await writeSource(join(scratch.path, 'next'), source), packed.folder, { key: packed.key })
	const first = async () => ((await ask(edge.url)).body as { model_version: string }).model_version
	const answered = async () => {
		const response = await fetch(`${edge.url}/v2/models/numbers`)
		return ((await response.json()) as { versions: string[] }).versions[0]
	}
	await expect.poll(answered, { timeout: 20_000, interval: 200 }).toBe('2.0.1')
	expect((await manage(edge.url, 'POST', '/models/numbers/roll-back')).status).toBe(200)
	expect(await first()).toBe('2.0.0')
	// Once more would go who knows where.
	expect(await manage(edge.url, 'POST', '/models/numbers/roll-back')).toMatchObject({
		status: 400,
		body: { detail: expect.stringContaining('rolled back already') },
	})
	await manage(edge.url, 'DELETE', '/models/numbers/routing')
	expect(await answered()).toBe('2.0.1')
})
