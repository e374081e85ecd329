// Changed routes and comparisons with several processes: what one of them is told, all of them know.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Child, startChild } from './harness/child.ts'
import { temporaryFolder } from './harness/folder.ts'
import { type PackedFolder, packModels } from './harness/models.ts'
import { ask, manage, versionsConfig, versionsModels } from './suites/versions-under-test.ts'

const scratch = temporaryFolder()
const cli = fileURLToPath(new URL('../../edge/cli/main.ts', import.meta.url))

let packed: PackedFolder
let edge: Child<string>
beforeAll(async () => {
	packed = await packModels(versionsModels())
	const file = join(scratch.path, 'spillway.config.json')
	await writeFile(file, JSON.stringify(versionsConfig))
	await mkdir(join(scratch.path, 'state'))
	edge = await startChild({
		command: process.execPath,
		args: [cli, 'serve', '--workers=2', `--config=${file}`, '--port=0', `--models=${packed.folder}`, `--state=${scratch.path}/state`],
		readyFd: 1,
		ready: (line) => /^ready (\S+)/.exec(line)?.[1],
	})
})
afterAll(async () => {
	await edge?.stop()
	await packed?.remove()
})

/** Each on a connection of its own, so that both processes are asked. */
const all = () => Promise.all(Array.from({ length: 12 }, () => ask(edge.ready)))

test('a new routing is taken up by all processes within a second or two, and no call is lost', async () => {
	const shadow = { version: '1.1.0' }
	const { status } = await manage(edge.ready, 'PUT', '/models/numbers/routing', { split: [{ version: '1.0.0', weight: 1 }], shadow })
	expect(status).toBe(200)
	await expect.poll(async () => new Set((await all()).map(({ version }) => version))).toEqual(new Set(['1.0.0']))
	for (let i = 0; i < 3; i++) expect((await all()).every(({ version }) => version === '1.0.0')).toBe(true)
})

test('what shadow traffic shows is that of all processes', async () => {
	const compared = async () => (await manage(edge.ready, 'GET', '/models/numbers')).body.shadow[0]?.outcomes ?? {}
	const sum = async () => Object.values(await compared()).reduce((all, one) => all + one, 0)
	await new Promise((resolve) => setTimeout(resolve, 300))
	const before = await sum()
	await all()
	await expect.poll(sum).toBe(before + 12)
})
