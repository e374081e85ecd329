// 200 concurrent calls of mixed lengths, everybody loaded and warm.

import type { Page } from 'playwright-core'
import type { Burst } from '../contenders/contender.ts'
import { type NodeModel, nodeModel } from '../node-model.ts'
import { freshContext, grown, openPage, settled } from '../pages.ts'
import { type Part, rotated } from '../part.ts'
import { figure, median, paired, pairedRatio, quantile, spread, table } from '../statistics.ts'

const contenders = ['spillway', 'bare', 'tuned', 'transformers', 'workerpool'] as const

type Name = (typeof contenders)[number] | 'node'

export const concurrent: Part = async ({ browser, server, passes, texts, stock, say }) => {
	const context = await freshContext(browser)
	const pages = new Map<Name, Page>()
	for (const name of contenders) pages.set(name, await openPage(context, `${server.origin}/${name}.html`))
	const node = await nodeModel(stock)
	const found = await settled(pages.get('spillway') as Page, texts)
	say(found)

	const samples: Record<Name, Burst[]> = { spillway: [], bare: [], tuned: [], transformers: [], workerpool: [], node: [] }
	let serving = ''
	for (let pass = 0; pass < passes; pass++)
		for (const name of rotated([...contenders, 'node' as const], pass)) {
			const page = pages.get(name)
			if (page) {
				const what = await grown(page, texts)
				if (name === 'spillway') serving = what
			}
			const burst = page ? await page.evaluate((texts) => window.bench.burst(texts), texts) : await inNode(node, texts)
			samples[name].push(burst)
			say(`pass ${pass + 1} ${name}: ${figure(burst.rate)} sentences/s, p50 ${figure(median(burst.latencies))} ms`)
		}
	await context.close()

	const rates = (name: Name) => samples[name].map(({ rate }) => rate)
	const latency = (name: Name, share: number) => samples[name].map(({ latencies }) => quantile(latencies, share))
	const rows = contenders.map((name) => [
		name,
		spread(rates(name)),
		`${figure(pairedRatio(rates(name), rates('bare')))} (${paired(rates(name), rates('bare')).map(figure).join(' ')})`,
		...[0.5, 0.99, 1].map((share) => spread(latency(name, share))),
		figure(pairedRatio(latency(name, 0.5), latency('bare', 0.5))),
		figure(pairedRatio(rates(name), rates('node'))),
	])
	const against = (name: Name) => figure(pairedRatio(rates('spillway'), rates(name)))
	const text = [
		`Spillway answered with ${serving}.`,
		table(
			['', 'sentences/s', 'times bare, pass by pass', 'p50, ms', 'p99, ms', 'max, ms', "p50 to bare's", 'times onnxruntime-node'],
			rows,
		),
		`Spillway is ${contenders
			.slice(1)
			.map((name) => `${against(name)} times ${name}`)
			.join(', ')}. Its p50 is ${figure(
			pairedRatio(latency('spillway', 0.5), latency('workerpool', 0.5)),
		)} of that of two workers in order of arrival (workerpool). onnxruntime-node, one thread, one text a run: ${spread(rates('node'))}.`,
	].join('\n\n')
	return { text, samples }
}

async function inNode(embed: NodeModel, texts: string[]): Promise<Burst> {
	const latencies: number[] = []
	const start = performance.now()
	for (const text of texts) {
		await embed(text)
		latencies.push(performance.now() - start)
	}
	return { rate: (texts.length * 1000) / (performance.now() - start), latencies }
}
