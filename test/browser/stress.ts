// Stress: many calls at once with random deadlines, aborts and priorities, while workers end and runtimes are disposed of.

import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page, Worker } from 'playwright-core'
import { expect } from 'vitest'
import { type Census, censusOf, counting, installCensus } from './census.ts'
import { addMinilm, type Models, packModels } from './models.ts'
import { openPage, runtimeFolder, staticHost } from './page.ts'
import type { Site } from './site.ts'
import { askTexts, askTiny, calmTiny, type Fault, type Planned, type PlanOptions, plan, type Question, seeded } from './stress-plan.ts'
import { type RunResult, runPlan } from './stress-run.ts'

/** What stress tests need. */
export interface Stand {
	browser: Browser
	models: Models
	site: Site
}

export async function stressStand(browser: Browser): Promise<Stand> {
	const models = await packModels()
	return { browser, models, site: await staticHost(models) }
}

type Course = Pick<PlanOptions, 'seed' | 'calls' | 'faults'>

const tuned = ({ trust }: Models) => ({ models: '/models/', trust, workers: 2, threads: 1 })

export async function stressTiny(stand: Stand, course: Course): Promise<void> {
	const planned = plan({ ...course, ask: askTiny })
	const result = await stress({ ...stand, planned, calm: calmTiny, parallel: 64, seed: course.seed })
	console.info(`${course.calls} calls on tiny models: ${lateness(result)}`)
	expect(result.ends.answered).toBeGreaterThan(course.calls / 2)
}

export async function stressMinilm(stand: Stand, course: Course): Promise<void> {
	await addMinilm(stand.models)
	const ask = askTexts('minilm', await knownVectors(stand), 1e-3)
	const planned = plan({ ...course, ask })
	const result = await stress({ ...stand, planned, calm: [ask(() => 0)], parallel: 32, seed: course.seed })
	console.info(`${course.calls} calls on minilm: ${lateness(result)}`)
	expect(result.ends.answered).toBeGreaterThan(course.calls / 2)
}

/** Short texts, and what the shipped model makes of each alone. */
async function knownVectors({ browser, site, models }: Stand): Promise<{ text: string; vector: number[] }[]> {
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

interface StressOptions extends Stand {
	planned: readonly Planned[]
	/** One for each model: answered before and after, in peace. */
	calm: readonly Question[]
	/** Calls under way at a time. */
	parallel: number
	/** Which of several workers is hit. */
	seed: number
}

/**
 * Opens a page and carries out the plan in it. Each call must settle as it should; afterwards page, engine and session workers must hold no more
 * than before, and nothing once all is disposed of.
 */
async function stress({ browser, site, models, planned, calm, parallel, seed }: StressOptions): Promise<RunResult> {
	const plans: Record<string, readonly Planned[]> = { '/plan.json': planned, '/calm.json': calm }
	site.fault = (path, response) => {
		const send = (type: string, text: string) => response.writeHead(200, { 'Content-Type': type }).end(text)
		if (plans[path]) send('application/json', JSON.stringify(plans[path]))
		else if (/\/spillway\/(engine|session)\.js$/.test(path))
			readFile(join(runtimeFolder, basename(path)), 'utf8').then((script) => send('text/javascript', counting(script)))
		else return false
		return true
	}
	const runtime = tuned(models)
	let hits = 0
	const page = await openPage(browser, site, async (page) => {
		await page.addInitScript(installCensus)
		await page.exposeFunction(
			'cause',
			causeOf(page, seed, () => hits++),
		)
	})
	try {
		const empty = await censusOf(page)
		await page.evaluate((options) => {
			window.runtime = window.spillway.createRuntime(options)
		}, runtime)
		const run = (plan: string) => page.evaluate(runPlan, { plan, parallel, runtime })
		const inPeace = async () => {
			expect(await run('/calm.json')).toMatchObject({ ends: { answered: calm.length }, wrong: [] })
			return countThreads(page)
		}
		const before = await inPeace()
		const result = await run('/plan.json')
		expect(result.wrong).toEqual([])
		// One that comes while nothing is there to be hit is none.
		expect(hits).toBeGreaterThanOrEqual(planned.filter(({ fault }) => fault && fault !== 'dispose').length / 2)
		await inPeace()
		await expectCensus(page, before.page)
		// Workers that were replaced are watched for some seconds more.
		await expect
			.poll(async () => grownBeyond(before, await countThreads(page)), { timeout: 20_000, interval: 500 })
			.toEqual({ sessions: [], engine: {} })

		await page.evaluate(async () => {
			await window.runtime.dispose()
			Object.assign(window, { runtime: undefined })
		})
		await expect.poll(() => page.evaluate(() => navigator.locks.query())).toEqual({ held: [], pending: [] })
		await expectCensus(page, empty)
		return result
	} finally {
		await page.context().close()
	}
}

interface Threads {
	page: Census
	engine: Census
	sessions: Census[]
}

const isSession = (worker: Worker) => worker.url().endsWith('session.js')
const isEngine = (worker: Worker) => worker.url().endsWith('engine.js')

/** What is there now and was not before. Another session worker than the first of its model may have come. */
function grownBeyond(before: Threads, now: Threads): { sessions: Census[]; engine: Partial<Census> } {
	const known = new Set(before.sessions.map((census) => JSON.stringify(census)))
	const more = now.sessions.length - before.sessions.length
	const counts = Object.entries(now.engine) as [keyof Census, number][]
	return {
		sessions: now.sessions.filter((census) => !known.has(JSON.stringify(census))),
		engine: Object.fromEntries(counts.filter(([what, count]) => count > before.engine[what] + 10 * more)),
	}
}

/** Within seconds: how long the end of an engine is waited for is bounded by timers. */
const expectCensus = (page: Page, expected: Census) =>
	expect.poll(() => censusOf(page), { timeout: 20_000, interval: 500 }).toEqual(expected)

async function countThreads(page: Page): Promise<Threads> {
	await expect.poll(async () => (await alive(page, 'engine')).length).toBe(1)
	const [engine] = await censuses(page, 'engine')
	return { page: await censusOf(page), engine: engine as Census, sessions: await censuses(page, 'session') }
}

/** The locks that workers of a kind hold for as long as they live. DevTools may go on naming one that has gone. */
const alive = (page: Page, kind: 'engine' | 'session') =>
	page.evaluate(async (kind) => {
		const { held = [] } = await navigator.locks.query()
		return held.filter(({ name }) => name?.startsWith(`spillway-${kind}-`))
	}, kind)

/** Of all workers of a kind that are alive. */
async function censuses(page: Page, kind: 'engine' | 'session'): Promise<Census[]> {
	const named = page.workers().filter(kind === 'engine' ? isEngine : isSession)
	const taken = await Promise.all(named.map((worker) => Promise.race([censusOf(worker).catch(() => undefined), sleep(5_000, undefined)])))
	const there = taken.filter((census) => census !== undefined)
	expect(there).toHaveLength((await alive(page, kind)).length)
	return there
}

/** Runs in the worker, a moment later, so that this here settles before. */
const happen = (fault: Exclude<Fault, 'dispose'>): void =>
	void setTimeout(() => {
		const end = Date.now() + 2000
		if (fault === 'error') throw new Error('out of its mind')
		else if (fault === 'busy') while (Date.now() < end);
		else if (fault === 'hang') for (;;);
		else self.close()
	})

/** What lets a fault happen in the page's workers. */
function causeOf(page: Page, seed: number, onHit: () => void): (fault: Exclude<Fault, 'dispose'>) => Promise<void> {
	const random = seeded(seed)
	return async (fault) => {
		const there = page.workers().filter(fault === 'engine' ? isEngine : isSession)
		const worker = there[Math.floor(random() * there.length)]
		if (!worker) return
		const gone = new Promise((resolve) => worker.once('close', resolve))
		// It may just have ended by itself.
		await Promise.race([worker.evaluate(happen, fault).catch(() => {}), sleep(20_000)])
		// One that hangs is given ten seconds.
		if (fault === 'busy' || (await Promise.race([gone, sleep(20_000, 'there')])) !== 'there') onHit()
	}
}

/** Lateness, as it is printed. */
function lateness({ ends, late }: RunResult): string {
	const tell = (list: number[]) => {
		const at = (share: number) => (list[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0).toFixed(1)
		return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms (${list.length})`
	}
	return `${JSON.stringify(ends)}; after the deadline: ${tell(late.deadline)}; after the abort: ${tell(late.abort)}`
}
