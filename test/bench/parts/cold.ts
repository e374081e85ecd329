// The first visit over a slow network, from an edge by its script tag: all that comes, and the time to the first vector.

import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { serve } from '../../../edge/node.ts'
import { root } from '../build.ts'
import { slowLink } from '../link.ts'
import { freshContext, openPage } from '../pages.ts'
import type { Part } from '../part.ts'
import { figure, judged, median, spread, table } from '../statistics.ts'

/** Bits a second. */
const rate = 20e6
/** Milliseconds each way. */
const delay = 20
/** What is asked: so many times the time that the bytes take, and the creation of a bare session. */
const mostTimes = 1.15
/** What is asked: bytes before the first vector. */
const mostBytes = 24e6

interface Sample {
	first: number
	bytes: number
	creation: number
}

export const cold: Part = async ({ browser, server, passes, texts, reference, say }) => {
	const edge = await serve({
		port: 0,
		environment: {},
		stateDir: join(root, '.spillway'),
		modelsDir: join(root, 'dist/packed'),
		pagesDir: await pagesFolder(),
	})
	try {
		await edge.ready()
		const link = await slowLink({ to: Number(new URL(edge.url).port), rate, delay })
		const samples: Sample[] = []
		for (let pass = 0; pass < passes; pass++) {
			const creation = await create(browser, server.origin)
			const { time, bytes } = await visit(browser, link, texts[0] as string, reference)
			samples.push({ first: time, bytes, creation })
			say(`pass ${pass + 1}: ${figure(time)} ms, ${figure(bytes / 1e6)} MB, bare creation ${figure(creation)} ms`)
		}
		await link.close()
		return { text: told(samples), samples }
	} finally {
		await edge.close()
	}
}

function told(samples: readonly Sample[]): string {
	const of = (figureOf: (sample: Sample) => number) => samples.map(figureOf)
	const wire = ({ bytes }: Sample) => (bytes * 8000) / rate
	const asked = (sample: Sample) => mostTimes * wire(sample) + sample.creation
	const rows: [string, string][] = [
		['ms to the first vector', spread(of(({ first }) => first))],
		['MB before it, headers and all', spread(of(({ bytes }) => bytes / 1e6))],
		['ms that these bytes take', spread(of(wire))],
		['ms of a bare session, bytes in memory', spread(of(({ creation }) => creation))],
		[`asked: ${mostTimes} times the bytes' time, and the bare session`, spread(of(asked))],
	]
	const ratio = median(of((sample) => sample.first / asked(sample)))
	const bytes = Math.max(...of(({ bytes }) => bytes))
	return [
		`${rate / 1e6} Mbit/s, ${delay} ms each way. Median (range).\n\n${table(['', 'spillway'], rows)}\n`,
		`Time: ${figure(ratio)} of what is asked, ${judged(ratio <= 1)}. Bytes: at most ${figure(bytes / 1e6)} MB of ${mostBytes / 1e6}, ${judged(bytes <= mostBytes)}.`,
	].join('\n')
}

/** What the edge serves: its own script, and a page that uses it in the place of the demo. */
async function pagesFolder(): Promise<string> {
	const folder = join(root, '.spillway/bench/cold')
	await rm(folder, { recursive: true, force: true })
	await mkdir(join(folder, 'demo'), { recursive: true })
	for (const name of ['script', 'docs']) await symlink(join(root, 'dist', name), join(folder, name))
	await copyFile(join(root, '.spillway/bench/bundles/cold.js'), join(folder, 'demo/cold.js'))
	const html = '<!doctype html><title>cold</title><script src="/spillway.js"></script><script type="module" src="/cold.js"></script>'
	await writeFile(join(folder, 'demo/index.html'), html)
	return folder
}

async function visit(browser: Browser, link: Awaited<ReturnType<typeof slowLink>>, text: string, reference: ReadonlyMap<string, number[]>) {
	const context = await freshContext(browser)
	const page = await context.newPage()
	link.take()
	await page.goto(`${link.origin}/#${encodeURIComponent(text)}`, { waitUntil: 'commit' })
	await page.waitForFunction('window.first')
	const { time, vector } = await page.evaluate(() => window.first)
	const bytes = link.take()
	await context.close()
	const expected = reference.get(text) as number[]
	const cosine = expected.reduce((sum, value, at) => sum + value * (vector[at] as number), 0)
	if (!(cosine >= 0.985)) throw new Error(`the first vector has a cosine of ${cosine} to the reference`)
	return { time, bytes }
}

async function create(browser: Browser, origin: string): Promise<number> {
	const context = await freshContext(browser)
	const page = await openPage(context, `${origin}/creation.html`)
	const time = await page.evaluate(() => window.creation())
	await context.close()
	return time
}
