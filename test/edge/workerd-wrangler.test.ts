// `wrangler dev` on the repository's own wrangler.toml: its bindings, assets and build command are what the Worker needs.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeRing } from '../fixtures/ring/make.ts'
import { type Child, startChild } from './harness/child.ts'
import { temporaryFolder } from './harness/folder.ts'
import { edgeAt, embed } from './harness/minilm.ts'
import { minilmSource, type PackedFolder, packModels } from './harness/models.ts'
import { expectRing } from './harness/ring.ts'
import { keys, suiteConfig } from './suites/under-test.ts'

// A model of this size on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = temporaryFolder()

let packed: PackedFolder
let wrangler: Child<string>
beforeAll(async () => {
	packed = await packModels([minilmSource, await makeRing(join(folder.path, 'ring'))])
	const config = join(folder.path, 'spillway.config.json')
	await writeFile(config, JSON.stringify({ ...suiteConfig, models: { minilm: {}, ring: {} } }))
	wrangler = await startChild({
		command: process.execPath,
		args: [
			join(root, 'node_modules/wrangler/bin/wrangler.js'),
			'dev',
			'--ip=127.0.0.1',
			'--port=0',
			`--assets=${folder.path}/assets`,
			`--persist-to=${folder.path}/state`,
		],
		cwd: root,
		env: {
			SPILLWAY_CONFIG: config,
			SPILLWAY_MODELS_FOLDER: packed.folder,
			SPILLWAY_ASSETS_FOLDER: join(folder.path, 'assets'),
			WRANGLER_SEND_METRICS: 'false',
			WRANGLER_LOG_PATH: join(folder.path, 'log'),
			CI: '1',
		},
		readyFd: 1,
		ready: (line) => /Ready on (http:\S+)/.exec(line)?.[1],
		patience: 60_000,
	})
}, 120_000)
afterAll(async () => {
	await wrangler?.stop()
	await packed?.remove()
})

test('models answer, each from an object of its own', async () => {
	expect(await embed(edgeAt(wrangler.ready), ['hello'])).toHaveLength(1)
	await expectRing(wrangler.ready, 'wasm')
	const figures = await fetch(`${wrangler.ready}/metrics`, { headers: { authorization: `Bearer ${keys.metrics}` } })
	expect(await figures.text()).toMatch(/spillway_inferences_total\{model="minilm",executor="edge",provider="wasm"\} 1/)
})

test('assets are distributed, and nothing but what is meant to be', async () => {
	const status = async (path: string) => {
		const response = await fetch(wrangler.ready + path, { signal: AbortSignal.timeout(30_000) })
		await response.body?.cancel()
		return response.status
	}
	expect(await status('/')).toBe(200)
	expect(await status('/spillway.js')).toBe(200)
	expect(await status('/models/minilm/channel.jws')).toBe(200)
	expect(await status('/models/minilm/1.0.0/files/weights.bin')).toBe(200)
	expect(await status('/build/build.json')).toBe(404)
	expect(await status('/demo/index.html')).toBe(404)
})
