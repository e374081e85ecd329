// One call with an array of 200 texts of mixed lengths.

import type { Page } from 'playwright-core'
import { freshContext, grown, openPage, settled, warm } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, paired, pairedRatio, spread, table } from '../statistics.ts'

const contenders = ['spillway', 'transformers'] as const

export const array: Part = async ({ browser, server, passes, texts, say }) => {
	const context = await freshContext(browser)
	const spillway = await openPage(context, `${server.origin}/spillway.html`)
	say(await settled(spillway, texts))
	const samples: Record<(typeof contenders)[number], number[]> = { spillway: [], transformers: [] }
	for (let pass = 0; pass < passes; pass++)
		for (const name of rotated(contenders, pass)) {
			// Padding all to the longest takes gigabytes, which a page keeps: each time another one.
			const page = name === 'spillway' ? spillway : await openPage(context, `${server.origin}/${name}.html`)
			if (name === 'spillway') await grown(page, texts)
			else await warm(page, texts)
			const rate = await once(page, texts)
			if (name !== 'spillway') await page.close()
			samples[name].push(rate)
			say(`pass ${pass + 1} ${name}: ${figure(rate)} sentences/s`)
		}
	await context.close()
	const ratios = paired(samples.spillway, samples.transformers)
	const rows = contenders.map((name) => [name, spread(samples[name])])
	const text = `${table(['', 'sentences/s'], rows)}\n\nSpillway is ${figure(pairedRatio(samples.spillway, samples.transformers))} times transformers (${ratios
		.map(figure)
		.join(' ')}).`
	return { text, samples }
}

const once = (page: Page, texts: string[]) => page.evaluate((texts) => window.bench.array(texts), texts)
