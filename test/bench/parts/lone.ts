// A call on its own, beside bare ONNX Runtime Web in a worker with the same graph and tokenizer: what the way to the model costs, and what
// the choice of threads gains.

import { freshContext, openPage, settled, warm } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, median, quantile, table } from '../statistics.ts'

/** Calls of each. */
const calls = 300

const contenders = ['spillway', 'one thread', 'bare'] as const
type Name = (typeof contenders)[number]

export const lone: Part = async ({ browser, server, texts, say }) => {
	const context = await freshContext(browser)
	const fixed = encodeURIComponent(JSON.stringify({ threads: 1, workers: 1 }))
	const pages = {
		spillway: await openPage(context, `${server.origin}/spillway.html`),
		'one thread': await openPage(context, `${server.origin}/spillway.html?${fixed}`),
		bare: await openPage(context, `${server.origin}/same.html`),
	}
	await warm(pages.bare, texts)
	await settled(pages['one thread'], texts)
	const serving = await settled(pages.spillway, texts)
	say(serving)
	const samples: Record<Name, number>[] = []
	for (let call = 0; call < calls; call++) {
		const text = texts[call % texts.length] as string
		const sample = { spillway: 0, 'one thread': 0, bare: 0 }
		for (const name of rotated(contenders, call)) sample[name] = await pages[name].evaluate((text) => window.bench.lone(text), text)
		samples.push(sample)
	}
	await context.close()
	const times = (name: Name) => samples.map((sample) => sample[name])
	const rows = contenders.map((name) => [
		name,
		...[0.5, 0.9, 0.99].map((share) => figure(quantile(times(name), share))),
		...(name === 'bare' ? ['', '', ''] : against(name)),
	])
	function against(name: Name): string[] {
		const difference = median(samples.map((sample) => sample[name] - sample.bare))
		const share = median(samples.map((sample) => sample[name] / sample.bare - 1))
		return [`${difference.toFixed(2)} ms`, percent(difference / median(times('bare'))), percent(share)]
	}
	const text = [
		`Spillway answered with ${serving}.`,
		table(
			[
				'',
				'p50, ms',
				'p90, ms',
				'p99, ms',
				`median of ${calls} paired differences`,
				"of bare's median",
				'median of the differences in proportion',
			],
			rows,
		),
	].join('\n\n')
	return { text, samples }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
