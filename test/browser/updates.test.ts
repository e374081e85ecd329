// Another version of a model in a page: it comes in the background, or at once where the page asks for it, and no call is lost.

import type { Page } from 'playwright-core'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Description } from '../../models/format/manifest.ts'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'

let models: Models
let site: Site
let page: Page
/** One for each test. */
let name = ''
let count = 0

beforeAll(async () => {
	models = await packModels()
	site = await staticHost(models)
	page = await openPage(await getBrowser(), site)
})
beforeEach(() => {
	name = `text-${count++}`
	site.asked.length = 0
	site.fault = undefined
})

async function publish(version: string, change: (description: Description) => void = () => {}): Promise<void> {
	const description = { ...textDescription(version), model: name }
	change(description)
	const files = filesOf(description)
	const own = new TextEncoder().encode(version)
	await models.add(description, {
		...files,
		'graph.onnx': Uint8Array.from([...(files['graph.onnx'] as Uint8Array), 0xfa, 0x3e, own.length, ...own]),
	})
}

const answersWrongly = (description: Description) => {
	const golden = description.variants.fp32?.golden[0]
	if (golden) golden.outputs.vector = toTensorData(tensor('FP32', [1, 4], Float32Array.of(1, 0, 0, 0)))
}

type Options = { policy?: 'device-only' | 'prefer-device'; version?: string; idle?: number; download?: 'ask' }

/** A visit: a new runtime in the page, with the model loaded. */
const open = ({ policy = 'prefer-device', version, idle, download }: Options = {}) =>
	page.evaluate(
		async ({ name, trust, policy, version, idle, download }) => {
			await window.runtime?.dispose()
			window.runtime = window.spillway.createRuntime({ models: '/models/', trust: [...trust], policy, idle, download })
			window.model = await window.runtime.load(name, { version })
			return (await window.model.embed(['hello'])).ran.version
		},
		{ name, trust: models.trust, policy, version, idle, download },
	)

const report = () =>
	page.evaluate(async () => {
		const report = (await window.model.explain()).device?.report
		return { version: report?.version, next: report?.next, notes: report?.notes }
	})

const update = () => page.evaluate(() => window.model.update().catch(({ code, message }) => ({ code, message })))
const versionNow = () => page.evaluate(async () => (await window.model.embed(['hello'])).ran.version)
const chunksAsked = () => site.asked.filter((path) => path.startsWith('/models/chunks/'))

test('a newer version comes in the background, what changed of it, and serves from the next start on; the running page goes on with its own', async () => {
	await publish('1.0.0')
	expect(await open()).toBe('1.0.0')
	await publish('1.1.0')
	site.asked.length = 0
	// Not where downloads are to be asked for.
	expect(await open({ download: 'ask' })).toBe('1.0.0')
	await expect.poll(report).toMatchObject({ next: { version: '1.1.0', state: 'known', error: null } })
	expect(chunksAsked()).toEqual([])
	expect(await open({ idle: 300 })).toBe('1.0.0')
	await expect.poll(report).toMatchObject({ version: '1.0.0', next: { version: '1.1.0', state: 'stored', error: null } })
	// The graph; the tokenizer is the same.
	expect(chunksAsked()).toHaveLength(1)
	// It gives its memory back, and is woken by a call: with the version that it had.
	const state = () => page.evaluate(async () => (await window.model.explain()).device?.report?.state)
	await expect.poll(state).toBe('absent')
	expect(await versionNow()).toBe('1.0.0')
	site.asked.length = 0
	expect(await open()).toBe('1.1.0')
	expect(chunksAsked()).toEqual([])
	expect(await report()).toMatchObject({ next: null, notes: [] })
})

test('update() lets it serve at once: calls under way and calls meanwhile are all answered, each in the space that it names', async () => {
	await publish('1.0.0')
	await open()
	expect(await update()).toEqual({ version: '1.0.0', changed: false })
	await publish('1.1.0')
	const seen = await page.evaluate(async () => {
		const { model } = window
		const spaces = new Map<string | null, string>()
		const progress: string[] = []
		let answered = 0
		const failed: string[] = []
		let over = false
		const calling = Array.from({ length: 4 }, async (_, caller) => {
			for (let call = 0; !over; call++)
				await model.embed([`hello world ${caller} ${call}`]).then(
					({ space, ran }) => {
						spaces.set(space, ran.version ?? '')
						answered++
					},
					({ code, message }) => failed.push(`${code}: ${message}`),
				)
		})
		while (answered < 4) await new Promise((resolve) => setTimeout(resolve, 10))
		const updated = await model.update({ onProgress: ({ phase }) => progress.at(-1) !== phase && progress.push(phase) })
		const after = (await model.embed(['hello'])).ran.version
		over = true
		await Promise.all(calling)
		return { updated, after, failed, answered, versions: [...spaces.values()], progress }
	})
	expect(seen).toMatchObject({ updated: { version: '1.1.0', changed: true }, after: '1.1.0', failed: [], versions: ['1.0.0', '1.1.0'] })
	expect(seen.answered).toBeGreaterThan(4)
	// The last one may come after the answer.
	expect(seen.progress.slice(0, 3)).toEqual(['channel', 'files', 'session'])
	expect(await report()).toMatchObject({ version: '1.1.0', next: null })
	// And it stays, without a network.
	site.fault = (path, response) => path.startsWith('/models/') && !!response.destroy()
	expect(await open()).toBe('1.1.0')
})

test('a version that answers its golden samples wrongly leaves the one before serving; so does an update that is given up', async () => {
	await publish('1.0.0')
	await open()
	await publish('1.1.0', answersWrongly)
	expect(await update()).toMatchObject({ code: 'golden-mismatch', message: expect.stringContaining('1.1.0') })
	expect(await versionNow()).toBe('1.0.0')
	expect(await report()).toMatchObject({ next: { version: '1.1.0', state: 'refused', error: { code: 'golden-mismatch' } } })
	await publish('1.2.0')
	site.fault = (path) => path.startsWith('/models/chunks/')
	const given = await page.evaluate(async () => {
		const signal = AbortSignal.timeout(300)
		return window.model.update({ signal }).catch(({ code }) => code)
	})
	site.fault = undefined
	expect(given).toBe('aborted')
	expect(await versionNow()).toBe('1.0.0')
	expect(await update()).toEqual({ version: '1.2.0', changed: true })
	expect(await versionNow()).toBe('1.2.0')
})

test('a range keeps a page at its major version; going back is an update, too; under device-only update() asks the network, and nothing else does', async () => {
	await publish('1.2.0')
	await publish('2.0.0')
	expect(await open({ version: '^1', policy: 'device-only' })).toBe('1.2.0')
	expect(await update()).toEqual({ version: '1.2.0', changed: false })
	expect(await open({ policy: 'device-only' })).toBe('2.0.0')
	site.asked.length = 0
	expect(await versionNow()).toBe('2.0.0')
	expect(site.asked).toEqual([])
	await publish('1.2.0')
	expect(await update()).toEqual({ version: '1.2.0', changed: true })
	expect(await page.evaluate(async () => window.errorOf(window.runtime.load(window.model.name, { version: '^2' })))).toMatchObject({
		code: 'not-found',
		message: expect.stringMatching(/ is here as version 1\.2\.0, not \^2, .*dispose\(\)/),
	})
})
