// The second visit, in a browser profile on disk: time to the first vector.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { flags } from '../../browser/flags.ts'
import { findChromium } from '../../setup/chromium.mjs'
import { openPage, settled } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, judged, median, pairedRatio, spread, table } from '../statistics.ts'

const contenders = ['spillway', 'cached', 'transformers'] as const

/** What is asked: milliseconds beside the bare contender. */
const mostBeside = 150
/** Milliseconds in which Chromium writes down the machine code of what was used much. */
const keeping = 5_000

type Times = Record<(typeof contenders)[number], number[]>

export const warm: Part = async ({ server, passes, texts, say }) => {
	const profile = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
	const context = await chromium.launchPersistentContext(profile, { executablePath: await findChromium(), args: flags })
	try {
		for (const name of contenders) say(`${name}: first visit ${await firstVisit(context, `${server.origin}/${name}.html`, texts)}`)
		const times: Times = { spillway: [], cached: [], transformers: [] }
		for (let pass = 0; pass < passes; pass++)
			for (const name of rotated(contenders, pass)) {
				server.take()
				const time = await again(context, `${server.origin}/${name}.html`, texts[0] as string)
				times[name].push(time)
				say(`pass ${pass + 1} ${name}: ${figure(time)} ms, ${server.take()} bytes`)
			}
		return { text: told(times), samples: times }
	} finally {
		await context.close()
		await rm(profile, { recursive: true, force: true })
	}
}

function told(times: Times): string {
	const rows = contenders.map((name) => [name, spread(times[name]), figure(pairedRatio(times[name], times.cached))])
	const beside = times.spillway.map((time, pass) => time - (times.cached[pass] as number))
	const peer = median(times.spillway.map((time, pass) => time - (times.transformers[pass] as number)))
	return [
		`Median (range), and the median of the ratios to bare ONNX Runtime Web that reads its file from Cache Storage (\`cached\`).\n`,
		`${table(['', 'ms to the first vector', 'times cached'], rows)}\n`,
		`Beside cached: ${spread(beside)} ms of at most ${mostBeside}, ${judged(median(beside) <= mostBeside)}. Beside transformers: ${figure(
			peer,
		)} ms, ${judged(peer < 0)}.`,
	].join('\n')
}

/** Everybody has computed for a while when the page is closed, and Spillway knows how it is fastest. */
async function firstVisit(context: BrowserContext, address: string, texts: string[]): Promise<string> {
	const page = await openPage(context, address)
	const first = await page.evaluate((text) => window.bench.first(text), texts[0] as string)
	const what = await settled(page, texts)
	await page.waitForTimeout(keeping)
	await page.close()
	return `${figure(first)} ms${what && `; ${what}`}`
}

async function again(context: BrowserContext, address: string, text: string): Promise<number> {
	const page = await openPage(context, address)
	const time = await page.evaluate((text) => window.bench.first(text), text)
	await page.close()
	return time
}
