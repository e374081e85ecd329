// Which version of a model a page's engine serves when something is wrong with one: a graph, its answers, its channel, its chunks.

import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { channelPath } from '../../models/format/layout.ts'
import type { Description } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { GraphBuilder } from '../../models/tools/onnx/graph.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

let models: Models
let site: Site
/** One for all: each test has a model of its own. */
let page: Page

beforeAll(async () => {
	models = await packModels()
	site = await staticHost(models)
	page = await openPage(await getBrowser(), site)
})

interface Outcome {
	code?: string
	message?: string
	version?: string | null
	golden?: string | null
	notes?: string[]
	stored?: number
}

/** A visit: a new runtime loads the model. */
const visit = (model: string): Promise<Outcome> =>
	page.evaluate(
		async ([model, trust]) => {
			const runtime = window.spillway.createRuntime({ models: '/models/', trust: [...trust], policy: 'device-only' })
			try {
				const loaded = await runtime.load(model)
				const report = (await loaded.explain()).device?.report
				return { version: report?.version, golden: report?.golden, notes: report?.notes, stored: report?.bytes?.stored } as Outcome
			} catch (error) {
				const { code, message } = error as { code: string; message: string }
				return { code, message }
			} finally {
				await runtime.dispose()
			}
		},
		[model, models.trust] as const,
	)

/** Puts a version of a small model there, changed as is told. */
async function publish(
	model: string,
	version: string,
	change: (description: Description) => void = () => {},
	graph?: Uint8Array,
): Promise<void> {
	const description = { ...textDescription(version), model }
	change(description)
	await models.add(description, { ...filesOf(description), ...(graph && { 'graph.onnx': graph }) })
}

/** A graph with an operator that ONNX Runtime does not know. */
function strangeGraph(): Uint8Array {
	const graph = new GraphBuilder({ name: 'strange', opset: 20 })
	const ids = graph.input('ids', 'INT64', ['batch', 'tokens'])
	const mask = graph.input('mask', 'INT64', ['batch', 'tokens'])
	graph.output('vector', graph.node('NoSuchOperator', [ids]), 'FP32', ['batch', 4])
	graph.output('count', graph.node('NoSuchOperator', [mask]), 'FP32', ['batch', 1])
	return graph.build()
}

const answersWrongly = (description: Description) => {
	const golden = description.variants.fp32?.golden[0]
	if (golden) golden.outputs.vector = toTensorData(tensor('FP32', [1, 4], Float32Array.of(1, 0, 0, 0)))
}

/** Signs a channel anew. */
async function resign(model: string, change: { serial?: number; expires?: number }): Promise<void> {
	const file = join(models.folder, channelPath(model))
	const channel = readChannel(await readFile(file, 'utf8'))
	await writeFile(file, await signChannel({ ...channel, ...change }, models.key))
}

test('a version that answers its golden samples wrongly never serves; the one before goes on, and other models are not disturbed', async () => {
	const mismatch =
		/^version 1\.1\.0 could not be loaded, going on with the one before: .*computes wrongly on wasm here: golden sample "hello world": vector row 0: cosine -?0\.\d+ is below 0\.9999$/
	await publish('steady', '1.0.0')
	expect(await visit('steady')).toMatchObject({ version: '1.0.0', golden: 'passed', notes: [] })
	await publish('steady', '1.1.0', answersWrongly)
	expect(await visit('steady')).toMatchObject({
		version: '1.0.0',
		golden: 'remembered',
		notes: ['version 1.1.0 (serial 2) is there and will be loaded next time'],
	})
	for (let visits = 0; visits < 2; visits++) {
		const { version, notes } = await visit('steady')
		expect(version).toBe('1.0.0')
		expect(notes?.[0]).toMatch(mismatch)
	}
	expect(await visit('tiny-pixels')).toMatchObject({ version: '1.0.0' })
	// One that answers rightly is taken when it comes.
	await publish('steady', '1.2.0')
	await visit('steady')
	expect(await visit('steady')).toMatchObject({ version: '1.2.0', golden: 'passed', notes: [] })
})

test('with no version before it, a golden mismatch is the error of the load', async () => {
	await publish('wrong', '1.0.0', answersWrongly)
	for (let visits = 0; visits < 2; visits++)
		expect(await visit('wrong')).toEqual({
			code: 'golden-mismatch',
			message: expect.stringMatching(/^wrong 1\.0\.0 \(fp32\) computes wrongly/),
		})
	expect(await visit('tiny-pixels')).toMatchObject({ version: '1.0.0' })
})

test('a graph that ONNX Runtime refuses is an error of that model alone', async () => {
	await publish('strange', '1.0.0', () => {}, strangeGraph())
	for (let visits = 0; visits < 2; visits++)
		expect(await visit('strange')).toEqual({
			code: 'unsupported',
			message: expect.stringMatching(/^ONNX Runtime cannot load the graph on wasm: .*NoSuchOperator/),
		})
	expect(await visit('tiny-pixels')).toMatchObject({ version: '1.0.0' })
})

test('a channel that expired or went back: the last good version goes on, and the reason is told; offline, too', async () => {
	await publish('kept', '1.0.0')
	await visit('kept')
	await resign('kept', { serial: 5 })
	expect(await visit('kept')).toMatchObject({ version: '1.0.0', notes: [] })
	await resign('kept', { serial: 4 })
	expect(await visit('kept')).toMatchObject({ version: '1.0.0', notes: [expect.stringContaining('channel-rollback')] })
	await resign('kept', { serial: 6, expires: Math.floor(Date.now() / 1000) - 5 })
	expect(await visit('kept')).toMatchObject({ version: '1.0.0', notes: [expect.stringContaining('channel-expired')] })
	site.fault = (path, response) => path.startsWith('/models/') && !!response.destroy()
	const offline = await visit('kept')
	site.fault = undefined
	expect(offline).toMatchObject({ version: '1.0.0', notes: [expect.stringContaining('network')] })
	expect(offline.stored).toBeGreaterThan(0)
})

test('when the stored version is damaged and gone at its address, the one that the channel names now is loaded', async () => {
	await publish('moved', '1.0.0')
	await visit('moved')
	await rm(join(models.folder, 'manifests'), { recursive: true })
	await publish('moved', '1.1.0')
	await page.evaluate(async () => {
		const root = await navigator.storage.getDirectory()
		const folder = await root.getDirectoryHandle('spillway').catch(() => undefined)
		for await (const file of folder?.values() ?? []) {
			const writable = await (file as FileSystemFileHandle).createWritable()
			await writable.write('damaged')
			await writable.close()
		}
		// Where there is no file system for workers, as in an incognito window of Chromium.
		const cache = await caches.open('spillway')
		for (const key of await cache.keys()) await cache.put(key, new Response('damaged'))
	})
	const { version, notes } = await visit('moved')
	expect(version).toBe('1.1.0')
	expect(notes?.[0]).toMatch(/^the stored version could not be loaded: the manifest of moved 1\.0\.0: .* answered 404/)
	expect(await visit('moved')).toMatchObject({ version: '1.1.0', notes: [] })
})
