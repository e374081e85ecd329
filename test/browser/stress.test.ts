// Ten thousand calls on tiny models, and five hundred on the shipped one, while all goes wrong that can: test/full has the longer runs.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { pack } from '../../models/tools/pack/pack.ts'
import { censusFlags } from './census.ts'
import { getBrowser } from './launch.ts'
import { type Models, packModels } from './models.ts'
import { openPage, staticHost } from './page.ts'
import type { Site } from './site.ts'
import { lateness, stress } from './stress.ts'
import { askTexts, askTiny, calmTiny, type Fault, plan } from './stress-plan.ts'

let browser: Browser
let models: Models
let site: Site

beforeAll(async () => {
	browser = await getBrowser(censusFlags)
	models = await packModels()
	await pack(join(import.meta.dirname, '../../models/minilm'), models.folder, { key: models.key })
	site = await staticHost(models)
})

const faults: Fault[] = ['session', 'error', 'engine', 'session', 'busy', 'dispose', 'session', 'engine', 'busy', 'dispose', 'error']

test('10,000 calls on tiny models', { timeout: 300_000 }, async () => {
	const seed = 4
	const planned = plan({ seed, calls: 10_000, faults, ask: askTiny })
	const runtime = { models: '/models/', trust: models.trust, workers: 2, threads: 1 }
	const result = await stress({ browser, site, runtime, planned, calm: calmTiny, parallel: 64, seed })
	console.info(`10,000 calls: ${lateness(result)}`)
	expect(result.ends.answered).toBeGreaterThan(5000)
})

test('500 calls on the shipped model', { timeout: 300_000 }, async () => {
	const seed = 5
	const known = await knownVectors()
	const ask = askTexts('minilm', known, 1e-3)
	const faults: Fault[] = ['session', 'engine', 'busy', 'dispose', 'session']
	const planned = plan({ seed, calls: 500, faults, ask })
	const runtime = { models: '/models/', trust: models.trust, workers: 2, threads: 1 }
	const result = await stress({ browser, site, runtime, planned, calm: [ask(() => 0)], parallel: 32, seed })
	console.info(`500 calls on minilm: ${lateness(result)}`)
	expect(result.ends.answered).toBeGreaterThan(250)
})

/** Short texts, and what the shipped model makes of each alone. */
async function knownVectors(): Promise<{ text: string; vector: number[] }[]> {
	const file = await readFile(join(import.meta.dirname, '../fixtures/minilm-reference.json'), 'utf8')
	const { items } = JSON.parse(file) as { items: { text: string; ids: number[] }[] }
	const texts = items.flatMap(({ text, ids }) => (ids.length <= 12 ? [text] : [])).slice(0, 50)
	const page = await openPage(browser, site)
	const vectors = await page.evaluate(
		async ([texts, trust]) => {
			const runtime = window.spillway.createRuntime({ models: '/models/', trust })
			const model = await runtime.load('minilm')
			const vectors: number[][] = []
			for (const text of texts) vectors.push([...((await model.embed([text])).vectors[0] ?? [])])
			return vectors
		},
		[texts, models.trust] as const,
	)
	await page.context().close()
	return texts.map((text, at) => ({ text, vector: vectors[at] ?? [] }))
}
