// What a call costs beside the model: a model that hands back what it is given.

import { freshContext, openPage } from '../pages.ts'
import type { Part } from '../part.ts'
import { figure, quantile, table } from '../statistics.ts'

const calls = 500
const warmUp = 200

export const overhead: Part = async ({ browser, server }) => {
	const context = await freshContext(browser)
	const page = await openPage(context, `${server.origin}/identity.html`)
	const samples = await page.evaluate(({ calls, warmUp }) => window.identity(calls, warmUp), { calls, warmUp })
	await context.close()
	const row = (label: string, values: number[]) => [label, ...[0.5, 0.9, 0.99].map((share) => figure(quantile(values, share)))]
	const text = `${table(
		['', 'p50, ms', 'p90, ms', 'p99, ms'],
		[
			row(
				'a call',
				samples.map(({ call }) => call),
			),
			row(
				'less the run itself',
				samples.map(({ call, run }) => call - run),
			),
		],
	)}\n\n${calls} calls of \`infer\` with 384 floats, one after another.`
	return { text, samples }
}
