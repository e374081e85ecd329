// A call on its own, beside bare ONNX Runtime Web in a worker with the same graph and tokenizer: what the way to the model costs.

import { freshContext, openPage, settled, warm } from '../pages.ts'
import type { Part } from '../part.ts'
import { figure, median, quantile, table } from '../statistics.ts'

/** Pairs. */
const calls = 300

export const lone: Part = async ({ browser, server, texts, say }) => {
	const context = await freshContext(browser)
	const pages = {
		spillway: await openPage(context, `${server.origin}/spillway.html`),
		bare: await openPage(context, `${server.origin}/same.html`),
	}
	await warm(pages.bare, texts)
	const serving = await settled(pages.spillway, texts)
	say(serving)
	const samples: { spillway: number; bare: number }[] = []
	for (let call = 0; call < calls; call++) {
		const text = texts[call % texts.length] as string
		const time = (name: keyof typeof pages) => pages[name].evaluate((text) => window.bench.lone(text), text)
		if (call % 2) {
			const spillway = await time('spillway')
			samples.push({ spillway, bare: await time('bare') })
		} else {
			const bare = await time('bare')
			samples.push({ spillway: await time('spillway'), bare })
		}
	}
	await context.close()
	const differences = samples.map(({ spillway, bare }) => spillway - bare)
	const shares = samples.map(({ spillway, bare }) => spillway / bare - 1)
	const times = (name: keyof typeof pages) => samples.map((sample) => sample[name])
	const rows = (['spillway', 'bare'] as const).map((name) => [
		name,
		...[0.5, 0.9, 0.99].map((share) => figure(quantile(times(name), share))),
	])
	const text = [
		`Spillway answered with ${serving}.`,
		table(['', 'p50, ms', 'p90, ms', 'p99, ms'], rows),
		`Median of the ${calls} paired differences: ${median(differences).toFixed(2)} ms, ${percent(median(differences) / median(times('bare')))} of bare's median; of the differences in proportion: ${percent(median(shares))}.`,
	].join('\n\n')
	return { text, samples }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
